package dev.tunesmith.engine.io;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/// A model in the Hugging Face layout: `config.json`, safetensors in one file or in shards,
/// tokenizer and chat template.
///
/// Only names from a list are accepted, so that no pickle and no Python file ever comes along.
///
/// @param path the folder
/// @param config the tree of `config.json`
public record ModelDirectory(Path path, Map<String, Object> config) {

    /// The configuration of the architecture.
    public static final String CONFIG = "config.json";

    /// The weights, when they are in one file.
    public static final String WEIGHTS = "model.safetensors";

    /// Which shard holds which tensor.
    public static final String INDEX = "model.safetensors.index.json";

    /// The tokenizer as the `tokenizers` library writes it.
    public static final String TOKENIZER = "tokenizer.json";

    /// Names of the special tokens, and in older models the chat template.
    public static final String TOKENIZER_CONFIG = "tokenizer_config.json";

    /// Special tokens of older models.
    public static final String SPECIAL_TOKENS = "special_tokens_map.json";

    /// Defaults for generating text.
    public static final String GENERATION_CONFIG = "generation_config.json";

    /// The chat template of newer models.
    public static final String CHAT_TEMPLATE = "chat_template.jinja";

    /// The variables of the chat template that a model was trained with.
    public static final String CHAT_VARIABLES = "chat_template_kwargs.json";

    private static final Set<String> ALLOWED =
            Set.of(
                    CONFIG,
                    INDEX,
                    TOKENIZER,
                    TOKENIZER_CONFIG,
                    SPECIAL_TOKENS,
                    GENERATION_CONFIG,
                    CHAT_TEMPLATE,
                    CHAT_VARIABLES,
                    "chat_template.json",
                    "added_tokens.json",
                    "vocab.json",
                    "vocab.txt",
                    "merges.txt",
                    "tokenizer.model",
                    "preprocessor_config.json",
                    "processor_config.json",
                    "adapter_config.json",
                    "README.md",
                    "step_metrics.csv",
                    "step_metrics.jsonl",
                    "curves.svg",
                    "curves.png",
                    "events.out.tfevents.0.tunesmith",
                    "training_spec.json",
                    "LICENSE",
                    "LICENSE.txt",
                    "LICENSE.md",
                    "NOTICE");
    private static final List<String> TOKENIZERS =
            List.of(TOKENIZER, "tokenizer.model", "vocab.json", "vocab.txt");
    private static final Pattern RANKS =
            Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,80}\\.tiktoken");
    private static final Pattern SAFETENSORS =
            Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,200}\\.safetensors");

    /// Opens a folder and checks names, `config.json` and that there are weights and a tokenizer;
    /// all faults are in one message. The weights themselves are checked by [#openWeights].
    public static ModelDirectory open(Path path) {
        List<String> faults = new ArrayList<>();
        for (String name : fileNames(path)) {
            if (!allows(name)) {
                faults.add("%s is not a file of a model (remove it)".formatted(name));
            }
        }
        if (!isFile(path.resolve(WEIGHTS)) && !isFile(path.resolve(INDEX))) {
            faults.add("neither %s nor %s is there".formatted(WEIGHTS, INDEX));
        }
        if (!isFile(path.resolve(CONFIG))) {
            faults.add(CONFIG + " is missing");
        }
        if (!faults.isEmpty()) {
            throw new ModelFileException(path, String.join("; ", faults));
        }
        return new ModelDirectory(path, JsonTree.read(path.resolve(CONFIG)));
    }

    /// Whether a model may contain a file of that name: a plain name from the list, or safetensors.
    public static boolean allows(String name) {
        return ALLOWED.contains(name)
                || SAFETENSORS.matcher(name).matches()
                || RANKS.matcher(name).matches();
    }

    private static List<String> fileNames(Path path) {
        if (!Files.isDirectory(path)) {
            throw new ModelFileException(path, "there is no such folder");
        }
        try (Stream<Path> files = Files.list(path)) {
            return files.map(file -> file.getFileName().toString()).sorted().toList();
        } catch (IOException e) {
            throw new UncheckedIOException("listing " + path, e);
        }
    }

    private static boolean isFile(Path file) {
        return Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS);
    }

    /// Opens and checks the weights.
    public WeightFiles openWeights() {
        Path index = path.resolve(INDEX);
        if (!isFile(index)) {
            return WeightFiles.single(path, path.resolve(WEIGHTS));
        }
        return WeightFiles.sharded(path, index, weightMap(index));
    }

    private static Map<String, String> weightMap(Path index) {
        if (!(JsonTree.read(index).get("weight_map") instanceof Map<?, ?> entries)) {
            throw new ModelFileException(index, "weight_map is missing");
        }
        Map<String, String> weightMap = new TreeMap<>();
        entries.forEach((tensor, shard) -> {
            if (!(shard instanceof String name) || !SAFETENSORS.matcher(name).matches()) {
                throw new ModelFileException(
                        index,
                        "weight_map: %s is not the name of a safetensors file".formatted(shard));
            }
            weightMap.put(tensor.toString(), name);
        });
        return weightMap;
    }

    /// The file of the tokenizer, if the model has one: that of the `tokenizers` library before
    /// those of the libraries that trained it.
    public Optional<Path> tokenizer() {
        return Stream.concat(
                        TOKENIZERS.stream(),
                        fileNames(path).stream().filter(name -> RANKS.matcher(name).matches()))
                .map(path::resolve)
                .filter(ModelDirectory::isFile)
                .findFirst();
    }

    /// The tree of `tokenizer_config.json`, empty if there is none.
    public Map<String, Object> tokenizerConfig() {
        return optionalTree(TOKENIZER_CONFIG);
    }

    /// The tree of `generation_config.json`, empty if there is none.
    public Map<String, Object> generationConfig() {
        return optionalTree(GENERATION_CONFIG);
    }

    private Map<String, Object> optionalTree(String name) {
        Path file = path.resolve(name);
        return isFile(file) ? JsonTree.read(file) : Map.of();
    }

    /// The text of a special token such as `eos_token`, from `tokenizer_config.json` or, in older
    /// models, `special_tokens_map.json`.
    public Optional<String> specialToken(String role) {
        return specialToken(tokenizerConfig(), role)
                .or(() -> specialToken(optionalTree(SPECIAL_TOKENS), role));
    }

    private static Optional<String> specialToken(Map<String, Object> tree, String role) {
        return switch (tree.get(role)) {
            case String text -> Optional.of(text);
            case Map<?, ?> added when added.get("content") instanceof String text ->
                    Optional.of(text);
            case null, default -> Optional.empty();
        };
    }

    /// The source of the chat template: `chat_template.jinja`, else the entry in
    /// `tokenizer_config.json` (the one named `default` if there are several).
    public Optional<String> chatTemplate() {
        Path file = path.resolve(CHAT_TEMPLATE);
        if (isFile(file)) {
            try {
                return Optional.of(Files.readString(file));
            } catch (IOException e) {
                throw new UncheckedIOException("reading " + file, e);
            }
        }
        return switch (tokenizerConfig().get("chat_template")) {
            case String text -> Optional.of(text);
            case List<?> several -> several.stream().flatMap(ModelDirectory::defaultOne).findAny();
            case null, default -> Optional.empty();
        };
    }

    /// The variables of the chat template that the model was trained with: `enable_thinking` and
    /// others, by name.
    public Map<String, Object> chatVariables() {
        return chatVariables(path);
    }

    /// The same for a folder of which only a part is there, such as an adapter.
    public static Map<String, Object> chatVariables(Path folder) {
        Path file = folder.resolve(CHAT_VARIABLES);
        return isFile(file) ? JsonTree.read(file) : Map.of();
    }

    private static Stream<String> defaultOne(Object entry) {
        return entry instanceof Map<?, ?> named
                        && "default".equals(named.get("name"))
                        && named.get("template") instanceof String text
                ? Stream.of(text)
                : Stream.empty();
    }
}
