package dev.tunesmith.bench.nano;

import dev.tunesmith.engine.io.JsonTree;
import dev.tunesmith.engine.io.ModelDirectory;
import dev.tunesmith.engine.io.SafetensorsWriter;
import dev.tunesmith.engine.io.StoredTensor;
import dev.tunesmith.engine.io.StoredType;
import dev.tunesmith.engine.io.WeightFiles;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// Rounds a trained model to bfloat16, the form in which it is kept: `RoundNano MODEL OUT`.
public final class RoundNano {

    private RoundNano() {}

    /// See the class.
    public static void main(String[] arguments) throws IOException {
        if (arguments.length != 2) {
            throw new IllegalArgumentException("usage: RoundNano MODEL OUT");
        }
        ModelDirectory model = ModelDirectory.open(Path.of(arguments[0]));
        Path out = Files.createDirectories(Path.of(arguments[1]));
        Map<String, Object> config = new LinkedHashMap<>(model.config());
        config.put("torch_dtype", "bfloat16");
        JsonTree.write(out.resolve(ModelDirectory.CONFIG), config);
        for (String name :
                List.of(
                        ModelDirectory.GENERATION_CONFIG,
                        ModelDirectory.TOKENIZER,
                        ModelDirectory.TOKENIZER_CONFIG,
                        ModelDirectory.CHAT_TEMPLATE)) {
            Files.copy(model.path().resolve(name), out.resolve(name));
        }
        SafetensorsWriter writer = new SafetensorsWriter(Map.of("format", "pt"));
        try (WeightFiles weights = model.openWeights()) {
            for (String name : weights.names()) {
                StoredTensor tensor = weights.tensor(name);
                writer.add(name, StoredType.BF16, tensor.shape(), rounded(weights.floats(name)));
            }
        }
        writer.write(out.resolve(ModelDirectory.WEIGHTS));
    }

    /// To the nearest bfloat16, ties to even.
    private static MemorySegment rounded(float[] values) {
        ByteBuffer bytes =
                ByteBuffer.allocate(Math.multiplyExact(values.length, Short.BYTES))
                        .order(ByteOrder.LITTLE_ENDIAN);
        for (float value : values) {
            int bits = Float.floatToIntBits(value);
            bytes.putShort((short) ((bits + 0x7FFF + ((bits >>> 16) & 1)) >>> 16));
        }
        return MemorySegment.ofBuffer(bytes.flip());
    }
}
