package dev.tunesmith.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.snakeyaml.engine.v2.api.Dump;
import org.snakeyaml.engine.v2.api.DumpSettings;
import org.snakeyaml.engine.v2.api.Load;
import org.snakeyaml.engine.v2.api.LoadSettings;
import org.snakeyaml.engine.v2.common.FlowStyle;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;
import org.snakeyaml.engine.v2.schema.CoreSchema;

/// A job spec: the create body of the API, read from YAML or JSON and changed by `key=value` words.
///
/// `a.b=value` sets, `a.b+=value` appends, `~a.b` removes what is there, `a.b=null` whatever may be
/// there; the value is a YAML scalar or flow value. A word without a dot names a top-level key, a
/// hyper-parameter of the method, or a key of `x_training`.
final class SpecFile {
    private static final Set<String> TOP =
            Set.of(
                    "model",
                    "training_file",
                    "validation_file",
                    "suffix",
                    "seed",
                    "metadata",
                    "integrations",
                    "spec_version");
    private static final Set<String> HYPERPARAMETERS =
            Set.of(
                    "n_epochs",
                    "batch_size",
                    "learning_rate_multiplier",
                    "beta",
                    "compute_multiplier",
                    "reasoning_effort",
                    "eval_interval",
                    "eval_samples");

    /// Names that people bring along from other trainers.
    private static final Map<String, String> ALIASES =
            Map.of(
                    "lr",
                    "learning_rate",
                    "cutoff_len",
                    "max_seq_len",
                    "epochs",
                    "n_epochs",
                    "lora_rank",
                    "rank",
                    "lora_alpha",
                    "alpha");

    private final ObjectNode body;

    private SpecFile(ObjectNode body) {
        this.body = body;
    }

    /// Reads a file; paths in it are relative to its folder.
    ///
    /// @throws CommandFailure naming line and column of what is not YAML
    static SpecFile read(Path file) {
        SpecFile spec = of(tree(file));
        spec.resolvePaths(file.toAbsolutePath());
        return spec;
    }

    /// The parsed mapping of a file.
    ///
    /// @throws CommandFailure naming line and column of what is not YAML
    static Map<?, ?> tree(Path file) {
        @Nullable Object tree;
        try {
            tree = load(Files.readString(file), file.toString());
        } catch (IOException e) {
            throw new CommandFailure(
                    ExitCode.USAGE, "cannot read the spec " + file + ": " + e.getMessage());
        } catch (YamlEngineException e) {
            throw new CommandFailure(ExitCode.USAGE, file + " is not YAML: " + e.getMessage());
        }
        if (tree instanceof Map<?, ?> map) {
            return map;
        }
        throw new CommandFailure(
                ExitCode.USAGE, file + " holds no mapping; a spec starts with \"model: …\"");
    }

    /// A spec of a create body.
    static SpecFile of(Map<?, ?> body) {
        ObjectNode tree = Api.JSON.valueToTree(body);
        return new SpecFile(tree);
    }

    /// A create body as a person writes it.
    static String yaml(ObjectNode body) {
        DumpSettings settings =
                DumpSettings.builder()
                        .setDefaultFlowStyle(FlowStyle.BLOCK)
                        .setSchema(new CoreSchema())
                        .build();
        return new Dump(settings).dumpToString(Api.JSON.convertValue(body, Map.class));
    }

    /// A spec of words of the command line: a file if the first word names one, then changes.
    static SpecFile of(List<String> words) {
        boolean hasFile = !words.getFirst().contains("=") && !words.getFirst().startsWith("~");
        SpecFile spec = hasFile ? read(Path.of(words.getFirst())) : empty();
        return spec.with(words.subList(hasFile ? 1 : 0, words.size()));
    }

    static SpecFile empty() {
        return new SpecFile(Api.JSON.createObjectNode());
    }

    /// Applies words from left to right; all that cannot be read are reported together.
    SpecFile with(List<String> words) {
        var problems = new ArrayList<String>();
        for (String word : words) {
            if (word.startsWith("~")) {
                String key = word.substring(1);
                if (!remove(path(key))) {
                    problems.add(word + ": the spec has no " + String.join(".", path(key)));
                }
            } else if (word.indexOf('=') > 0) {
                assign(word, problems);
            } else {
                problems.add(word + ": expected key=value, key+=value or ~key");
            }
        }
        if (!problems.isEmpty()) {
            throw new CommandFailure(ExitCode.USAGE, "the overrides are not understood", problems);
        }
        return this;
    }

    private void assign(String word, List<String> problems) {
        int equals = word.indexOf('=');
        boolean append = word.charAt(equals - 1) == '+';
        String key = word.substring(0, append ? equals - 1 : equals);
        try {
            Object read = load(word.substring(equals + 1), key);
            List<String> path = path(key);
            if (read == null && !append) {
                boolean _ = remove(path);
                return;
            }
            JsonNode value = Api.JSON.valueToTree(read);
            ObjectNode parent = parent(path);
            if (append) {
                ArrayNode list = parent.withArray(path.getLast());
                list.add(value);
            } else {
                parent.set(path.getLast(), value);
            }
        } catch (YamlEngineException e) {
            problems.add(key + ": the value is not YAML: " + e.getMessage());
        } catch (UnsupportedOperationException | ClassCastException _) {
            problems.add(key + ": its parent is not a mapping");
        }
    }

    private List<String> path(String key) {
        if (key.contains(".")) {
            return List.of(key.split("\\."));
        }
        String name = ALIASES.getOrDefault(key, key);
        if (TOP.contains(name)) {
            return List.of(name);
        }
        if (HYPERPARAMETERS.contains(name)) {
            String type = body.path("method").path("type").asText("supervised");
            return List.of("method", type, "hyperparameters", name);
        }
        return List.of("x_training", name);
    }

    private ObjectNode parent(List<String> path) {
        ObjectNode node = body;
        for (String name : path.subList(0, path.size() - 1)) {
            node = node.withObject("/" + name);
        }
        if (path.getFirst().equals("method") && !body.path("method").has("type")) {
            body.withObject("/method").put("type", path.get(1));
        }
        return node;
    }

    /// Whether there was something to remove.
    private boolean remove(List<String> path) {
        JsonNode node = body;
        for (String name : path.subList(0, path.size() - 1)) {
            node = node.path(name);
        }
        return node instanceof ObjectNode object && object.remove(path.getLast()) != null;
    }

    private void resolvePaths(Path file) {
        for (FilePlace place : files(body)) {
            if (!isFileId(place.value()) && !Path.of(place.value()).isAbsolute()) {
                place.put(file.resolveSibling(place.value()).normalize().toString());
            }
        }
    }

    /// A place of a body that names a file: by its id, or by a path of this machine.
    ///
    /// @param path how a person calls the place
    record FilePlace(ObjectNode parent, String key, String path) {
        String value() {
            return parent.path(key).asText();
        }

        void put(String value) {
            ObjectNode _ = parent.put(key, value);
        }
    }

    /// All places of a body that name a file.
    static List<FilePlace> files(ObjectNode body) {
        var places = new ArrayList<FilePlace>();
        for (String key : List.of("training_file", "validation_file")) {
            places.add(new FilePlace(body, key, key));
        }
        JsonNode training = body.path("x_training");
        int number = 0;
        for (JsonNode entry : training.path("data")) {
            if (entry instanceof ObjectNode file) {
                places.add(
                        new FilePlace(file, "file", "x_training.data.%d.file".formatted(number)));
            }
            number++;
        }
        if (training instanceof ObjectNode options) {
            places.add(new FilePlace(options, "dataset_info", "x_training.dataset_info"));
        }
        places.removeIf(place -> !place.parent().path(place.key()).isTextual());
        return places;
    }

    static boolean isFileId(String value) {
        return value.startsWith("file-") && !Files.exists(Path.of(value));
    }

    /// The create body. The version of the spec's own format stays out of the wire when it is the
    /// current one.
    ObjectNode body() {
        return body;
    }

    private static @Nullable Object load(String yaml, String label) {
        LoadSettings settings =
                LoadSettings.builder()
                        .setLabel(label)
                        .setSchema(new CoreSchema())
                        .setAllowDuplicateKeys(false)
                        .build();
        return new Load(settings).loadFromString(yaml);
    }
}
