package dev.tunesmith.engine.adapter;

import dev.tunesmith.engine.adapter.site.FileTensor;
import dev.tunesmith.engine.io.JsonTree;
import dev.tunesmith.engine.io.SafetensorsWriter;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;

/// The two files of an adapter.
final class PeftFolder {

    private PeftFolder() {}

    static void write(
            Path folder,
            Map<String, Object> config,
            Map<String, FileTensor> tensors,
            SafetensorsWriter.Target target)
            throws IOException {
        JsonTree.write(folder.resolve(Adapter.CONFIG), config);
        SafetensorsWriter writer = new SafetensorsWriter(Map.of("format", "pt"));
        new TreeMap<>(tensors)
                .forEach((name, tensor) -> writer.add(name, tensor.shape(), tensor.values()));
        target.write(writer, folder.resolve(Adapter.WEIGHTS));
    }
}
