package dev.tunesmith.bench.manifests;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.snakeyaml.engine.v2.api.Load;
import org.snakeyaml.engine.v2.api.LoadSettings;

/// One YAML document of a file of manifests.
record Manifest(Path file, Map<?, ?> tree) {
    /// Every document of every file below the folder.
    static List<Manifest> below(Path folder) {
        try (Stream<Path> files = Files.walk(folder)) {
            var manifests = new ArrayList<Manifest>();
            for (Path file : files.filter(f -> f.toString().endsWith(".yaml")).sorted().toList()) {
                var load = new Load(LoadSettings.builder().build());
                for (Object document : load.loadAllFromString(Files.readString(file))) {
                    manifests.add(new Manifest(file, (Map<?, ?>) document));
                }
            }
            return List.copyOf(manifests);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    String kind() {
        return text("kind");
    }

    String name() {
        return text("metadata", "name");
    }

    /// The pod that the manifest describes.
    Manifest pod() {
        return new Manifest(file, (Map<?, ?>) at(tree, "spec", "template", "spec"));
    }

    /// Containers of a pod, those that run first included.
    List<Manifest> containers() {
        return Stream.of("initContainers", "containers")
                .flatMap(key -> all(key).stream())
                .map(container -> new Manifest(file, (Map<?, ?>) container))
                .toList();
    }

    List<?> all(String... path) {
        return at(tree, path) instanceof List<?> list ? list : List.of();
    }

    String text(String... path) {
        return String.valueOf(at(tree, path));
    }

    boolean has(String... path) {
        return !at(tree, path).equals("");
    }

    /// What stands at the path, an empty text when there is nothing.
    static Object at(Map<?, ?> tree, String... path) {
        Object here = tree;
        for (String key : path) {
            here = here instanceof Map<?, ?> map && map.get(key) != null ? map.get(key) : "";
        }
        return here;
    }

    @Override
    public String toString() {
        return file.getFileName() + " " + kind() + " " + text("name") + name();
    }
}
