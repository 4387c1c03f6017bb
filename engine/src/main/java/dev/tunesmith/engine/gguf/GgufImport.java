package dev.tunesmith.engine.gguf;

import dev.tunesmith.engine.io.JsonTree;
import dev.tunesmith.engine.io.ModelDirectory;
import dev.tunesmith.engine.io.ModelFileException;
import dev.tunesmith.engine.io.SafetensorsWriter;
import dev.tunesmith.engine.io.StoredType;
import dev.tunesmith.engine.tensor.Bfloat16;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/// Turns a GGUF file into a folder as Hugging Face lays it out: decoded weights, configuration and,
/// where its kind is known, the tokenizer.
public final class GgufImport {
    /// Weights of one shard, so that a large model never is in memory as a whole.
    private static final long SHARD_BYTES = 1L << 30;

    private final GgufFile file;
    private final Path folder;
    private final StoredType type;
    private final GgufConfig config;
    private final Map<String, String> shardOf = new TreeMap<>();
    private final List<Path> shards = new ArrayList<>();

    private GgufImport(GgufFile file, Path folder, StoredType type) {
        this.file = file;
        this.folder = folder;
        this.type = type;
        this.config = GgufConfig.of(file);
    }

    /// Writes the files of a model into an empty folder.
    ///
    /// @param type [StoredType#F32] or [StoredType#BF16], to which weights are rounded
    /// @return what could not be taken over, in words for the user
    /// @throws ModelFileException if the file is malformed, or its architecture or one of its types
    ///   is not read
    public static List<String> run(Path gguf, Path folder, StoredType type) throws IOException {
        try (GgufFile file = GgufFile.open(gguf)) {
            var run = new GgufImport(file, folder, type);
            List<String> faults = run.faults();
            if (!faults.isEmpty()) {
                throw new ModelFileException(gguf, String.join("; ", faults));
            }
            run.weights();
            JsonTree.write(folder.resolve(ModelDirectory.CONFIG), run.config.tree(type));
            return new GgufTokenizer(file).write(folder);
        }
    }

    /// Writes the files of the tokenizer alone.
    ///
    /// @return what could not be taken over, in words for the user
    public static List<String> tokenizer(Path gguf, Path folder) throws IOException {
        try (GgufFile file = GgufFile.open(gguf)) {
            return new GgufTokenizer(file).write(folder);
        }
    }

    private List<String> faults() {
        return file.tensors().stream()
                .map(GgufFile.Tensor::name)
                .filter(name ->
                        !name.equals(GgufFamily.ROPE_FACTORS)
                                && config.family().plainName(name).isEmpty())
                .map(name -> "tensor %s is not known".formatted(name))
                .toList();
    }

    private void weights() throws IOException {
        var writer = new SafetensorsWriter(Map.of("format", "pt"));
        long bytes = 0;
        for (GgufFile.Tensor tensor : file.tensors()) {
            if (tensor.name().equals(GgufFamily.ROPE_FACTORS)) {
                continue;
            }
            long size = tensor.elements() * type.bytes();
            if (bytes > 0 && bytes + size > SHARD_BYTES) {
                shard(writer);
                writer = new SafetensorsWriter(Map.of("format", "pt"));
                bytes = 0;
            }
            bytes += size;
            add(writer, tensor);
        }
        shard(writer);
        if (shards.size() == 1) {
            Files.move(shards.getFirst(), folder.resolve(ModelDirectory.WEIGHTS));
            return;
        }
        JsonTree.write(
                folder.resolve(ModelDirectory.INDEX),
                Map.of("metadata", Map.of(), "weight_map", shardOf));
    }

    private void shard(SafetensorsWriter writer) throws IOException {
        Path shard = folder.resolve(shardName());
        writer.write(shard);
        shards.add(shard);
    }

    private String shardName() {
        return "model-%05d.safetensors".formatted(shards.size() + 1);
    }

    private void add(SafetensorsWriter writer, GgufFile.Tensor tensor) {
        String name = config.family().plainName(tensor.name()).orElseThrow();
        float[] values = file.values(tensor);
        if (name.contains("q_proj")) {
            values = config.unturned(values, tensor.shape().getFirst(), config.heads());
        } else if (name.contains("k_proj")) {
            values = config.unturned(values, tensor.shape().getFirst(), config.keyHeads());
        }
        shardOf.put(name, shardName());
        if (type == StoredType.F32) {
            writer.add(name, tensor.shape(), values);
            return;
        }
        short[] rounded = new short[values.length];
        for (int i = 0; i < rounded.length; i++) {
            rounded[i] = Bfloat16.of(values[i]);
        }
        writer.add(name, type, tensor.shape(), MemorySegment.ofArray(rounded));
    }
}
