package dev.tunesmith.engine.loop.subject;

import dev.tunesmith.engine.io.JsonTree;
import dev.tunesmith.engine.io.ModelDirectory;
import dev.tunesmith.engine.io.SafetensorsWriter;
import dev.tunesmith.engine.io.StoredType;
import dev.tunesmith.engine.model.Decoder;
import dev.tunesmith.engine.nn.Parameter;
import dev.tunesmith.engine.tensor.DType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.Stream;

/// Writes a trained model as a Hugging Face folder: new weights, everything else from its base.
public final class ModelFolder {

    private ModelFolder() {}

    /// Fills an empty folder.
    ///
    /// @param target makes the file of the weights
    public static void write(
            Decoder model, ModelDirectory base, Path folder, SafetensorsWriter.Target target)
            throws IOException {
        DType type = model.computeType();
        writeAround(base, config(base, type), folder);
        SafetensorsWriter writer = new SafetensorsWriter(Map.of("format", "pt"));
        for (Parameter parameter : model.parameters()) {
            writer.add(
                    parameter.name(),
                    type == DType.BF16 ? StoredType.BF16 : StoredType.F32,
                    parameter.storedShape(),
                    parameter.value().bytesOnHost());
        }
        target.write(writer, folder.resolve(ModelDirectory.WEIGHTS));
    }

    /// Writes everything but the weights.
    public static void writeAround(ModelDirectory base, Map<String, Object> config, Path folder)
            throws IOException {
        JsonTree.write(folder.resolve(ModelDirectory.CONFIG), config);
        copyOthers(base, folder);
    }

    /// The configuration names the type of the weights, which may have changed.
    private static Map<String, Object> config(ModelDirectory base, DType type) {
        Map<String, Object> config = new LinkedHashMap<>(base.config());
        String name = type == DType.BF16 ? "bfloat16" : "float32";
        config.replace("torch_dtype", name);
        config.replace("dtype", name);
        return config;
    }

    private static void copyOthers(ModelDirectory base, Path folder) throws IOException {
        try (Stream<Path> files = Files.list(base.path())) {
            for (Path file : files.sorted().toList()) {
                String name = file.getFileName().toString();
                boolean replaced =
                        name.endsWith(".safetensors")
                                || name.equals(ModelDirectory.INDEX)
                                || name.equals(ModelDirectory.CONFIG);
                if (!replaced && ModelDirectory.allows(name)) {
                    Files.copy(file, folder.resolve(name));
                }
            }
        }
    }
}
