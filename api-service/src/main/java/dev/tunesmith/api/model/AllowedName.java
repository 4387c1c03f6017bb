package dev.tunesmith.api.model;

import dev.tunesmith.contracts.problem.Problem;
import dev.tunesmith.contracts.problem.ProblemCode;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;

/// Which files a model directory may bring, and how long each may be.
///
/// Weights come as safetensors and as nothing else: pickles run code when they are read. What is
/// neither needed nor harmful is left out without a word.
final class AllowedName {
    static final String CONFIG = "config.json";
    static final String TOKENIZER = "tokenizer.json";
    static final String PIECES = "tokenizer.model";
    static final String VOCABULARY = "vocab.json";
    static final String WORDS = "vocab.txt";
    static final String SAMPLING = "generation_config.json";
    static final String INDEX = "model.safetensors.index.json";

    private static final long SMALL = 16L << 20;
    private static final long TOKENIZER_MAX = 64L << 20;
    private static final Set<String> TEXTS =
            Set.of(
                    CONFIG,
                    SAMPLING,
                    INDEX,
                    "tokenizer_config.json",
                    "special_tokens_map.json",
                    "added_tokens.json",
                    "chat_template.jinja",
                    "chat_template_kwargs.json",
                    "chat_template.json",
                    "merges.txt",
                    VOCABULARY,
                    WORDS,
                    "LICENSE",
                    "README.md");
    private static final List<String> IGNORED = List.of("._", ".", "onnx", "original");
    private static final Set<String> REFUSED =
            Set.of("bin", "pt", "pth", "pkl", "pickle", "ckpt", "h5", "msgpack", "npz", "py", "so");
    private static final Pattern RANKS =
            Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,80}\\.tiktoken");
    private static final Pattern SHARD =
            Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,200}\\.safetensors");

    private AllowedName() {}

    /// What to do with a file.
    sealed interface Verdict {
        /// Store it under this name.
        record Keep(String name, long bytesMax) implements Verdict {}

        record Skip() implements Verdict {}

        record Refuse(Problem problem) implements Verdict {}
    }

    /// @param path path in the archive; one folder around everything is taken off
    static Verdict check(String path, long bytes) {
        String plain = path.startsWith("./") ? path.substring(2) : path;
        int slash = plain.indexOf('/');
        String name = slash >= 0 ? plain.substring(slash + 1) : plain;
        if (plain.startsWith("/") || plain.contains("..") || plain.contains("\\")) {
            return refuse(path, "is a path that leaves the model's folder");
        }
        if (name.contains("/") || IGNORED.stream().anyMatch(name::startsWith)) {
            return new Verdict.Skip();
        }
        Optional<Long> max = max(name);
        if (max.isEmpty()) {
            String ending = name.substring(name.lastIndexOf('.') + 1);
            return REFUSED.contains(ending)
                    ? refuse(path, "may hold code; convert the weights to safetensors")
                    : new Verdict.Skip();
        }
        return bytes > max.get()
                ? refuse(path, "has %d bytes, the limit is %d".formatted(bytes, max.get()))
                : new Verdict.Keep(name, max.get());
    }

    /// Whether a tokenizer can be read from that file; `vocab.json` needs `merges.txt` too.
    static boolean isTokenizer(String name) {
        return List.of(TOKENIZER, PIECES, VOCABULARY, WORDS).contains(name)
                || RANKS.matcher(name).matches();
    }

    static boolean isWeights(String name) {
        return name.endsWith(".safetensors");
    }

    private static Optional<Long> max(String name) {
        if (SHARD.matcher(name).matches()) {
            return Optional.of(Long.MAX_VALUE);
        }
        if (name.equals(TOKENIZER) || name.equals(PIECES) || RANKS.matcher(name).matches()) {
            return Optional.of(TOKENIZER_MAX);
        }
        return TEXTS.contains(name) ? Optional.of(SMALL) : Optional.empty();
    }

    private static Verdict refuse(String path, String message) {
        return new Verdict.Refuse(Problem.of(ProblemCode.INVALID_MODEL_FILE, path, message));
    }
}
