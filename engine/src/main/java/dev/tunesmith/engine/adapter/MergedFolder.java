package dev.tunesmith.engine.adapter;

import dev.tunesmith.engine.adapter.site.AdapterException;
import dev.tunesmith.engine.adapter.site.FileTensor;
import dev.tunesmith.engine.io.ModelDirectory;
import dev.tunesmith.engine.io.StoredTensor;
import dev.tunesmith.engine.io.WeightFiles;
import dev.tunesmith.engine.model.Decoder;
import dev.tunesmith.engine.tensor.Bfloat16;
import dev.tunesmith.engine.tensor.DType;
import dev.tunesmith.engine.text.NamedFormat;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/// Makes one Hugging Face folder out of a base model and an adapter.
///
/// The sum is formed in fp32 from the stored values of both, whatever they were trained with, and
/// rounded once, to the type that the base stores. Everything that the adapter does not change
/// keeps its bytes, and a chat template beside the adapter is that of the sum. Needs memory for the
/// base in fp32.
public final class MergedFolder {

    private MergedFolder() {}

    /// Fills an empty folder.
    ///
    /// @param adapter folder in PEFT layout
    /// @throws AdapterException with every reason why the adapter cannot be merged
    public static void write(ModelDirectory base, Path adapter, Path folder) throws IOException {
        try (Decoder decoder = Decoder.load(base, DType.F32, Decoder.Loading.MAPPED);
                Adapter addition = Adapter.load(decoder, adapter);
                WeightFiles weights = base.openWeights()) {
            copy(base.path(), folder);
            Optional<String> template = NamedFormat.beside(adapter);
            if (template.isPresent()) {
                Files.writeString(folder.resolve(ModelDirectory.CHAT_TEMPLATE), template.get());
            }
            NamedFormat.writeVariables(
                    NamedFormat.variables(base, Optional.of(adapter), Map.of()), folder);
            addition.merge((name, change) -> {
                StoredTensor place = place(weights, name, change);
                replace(folder.resolve(weights.file(name).getFileName()), place, change.values());
            });
        } catch (UncheckedIOException e) {
            throw e.getCause();
        }
    }

    private static StoredTensor place(WeightFiles weights, String name, FileTensor change) {
        StoredTensor place =
                weights.find(name).orElseThrow(() -> refused("the base has no tensor " + name));
        if (!place.shape().equals(change.shape())) {
            throw refused(
                    "%s is %s in the base and %s merged"
                            .formatted(name, place.shape(), change.shape()));
        }
        return place;
    }

    private static AdapterException refused(String reason) {
        return new AdapterException("merging", List.of(reason));
    }

    private static void copy(Path base, Path folder) throws IOException {
        try (Stream<Path> files = Files.list(base)) {
            for (Path file : files.sorted().toList()) {
                Files.copy(file, folder.resolve(file.getFileName()));
            }
        }
    }

    private static void replace(Path file, StoredTensor place, float[] values) {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
            ByteBuffer content =
                    ByteBuffer.allocate(Math.toIntExact(place.bytes()))
                            .order(ByteOrder.LITTLE_ENDIAN);
            for (float value : values) {
                switch (place.type()) {
                    case F32 -> content.putFloat(value);
                    case F64 -> content.putDouble(value);
                    case BF16 -> content.putShort(Bfloat16.of(value));
                    case F16 -> content.putShort(Float.floatToFloat16(value));
                    case BOOL, U8, I8, F8_E5M2, F8_E4M3, I16, U16, I32, U32, I64, U64 ->
                            throw refused("%s is stored as %s".formatted(place, place.type()));
                }
            }
            content.flip();
            long at = place.begin();
            while (content.hasRemaining()) {
                at += channel.write(content, at);
            }
        } catch (IOException e) {
            throw new UncheckedIOException("writing " + file, e);
        }
    }
}
