package dev.tunesmith.engine.text;

import dev.tunesmith.engine.io.ModelFileException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// The tokens of a `tokenizer.json`: those of its model and those added to it.
final class Vocabulary {

    private final Map<String, Integer> idOf = new HashMap<>();
    private final Map<Integer, String> tokenOf = new HashMap<>();
    private final Set<Integer> special = new HashSet<>();
    private int size;
    private @Nullable String fusedWord;

    private Vocabulary() {}

    static Vocabulary of(Path file, Map<String, Object> tree) {
        Vocabulary vocabulary = new Vocabulary();
        if (!(tree.get("model") instanceof Map<?, ?> model)) {
            throw new ModelFileException(file, "model is missing");
        }
        switch (model.get("vocab")) {
            case Map<?, ?> ids -> ids.forEach((token, id) -> vocabulary.put(file, token, id));
            case List<?> scored -> vocabulary.putScored(file, scored);
            case null, default -> throw new ModelFileException(file, "model.vocab is missing");
        }
        if ("WordLevel".equals(model.get("type"))
                && Boolean.TRUE.equals(model.get("fuse_unk"))
                && model.get("unk_token") instanceof String word) {
            vocabulary.fusedWord = word;
        }
        if (tree.get("added_tokens") instanceof List<?> added) {
            for (Object entry : added) {
                vocabulary.putAdded(file, entry);
            }
        }
        return vocabulary;
    }

    private void putScored(Path file, List<?> scored) {
        for (int id = 0; id < scored.size(); id++) {
            Object token = scored.get(id) instanceof List<?> pair ? pair.getFirst() : null;
            put(file, token, id);
        }
    }

    private void putAdded(Path file, Object entry) {
        if (!(entry instanceof Map<?, ?> added)) {
            throw new ModelFileException(file, "added_tokens: not an object");
        }
        put(file, added.get("content"), added.get("id"));
        if (Boolean.TRUE.equals(added.get("special")) && added.get("id") instanceof Integer id) {
            special.add(id);
        }
    }

    private void put(Path file, @Nullable Object token, @Nullable Object id) {
        if (!(token instanceof String text) || !(id instanceof Integer number) || number < 0) {
            throw new ModelFileException(file, "token %s has id %s".formatted(token, id));
        }
        idOf.put(text, number);
        tokenOf.put(number, text);
        size = Math.max(size, number + 1);
    }

    /// One more than the greatest id.
    int size() {
        return size;
    }

    OptionalInt fusedWord() {
        return fusedWord == null ? OptionalInt.empty() : id(fusedWord);
    }

    /// The id of a token, if there is such a one.
    OptionalInt id(String token) {
        Integer id = idOf.get(token);
        return id == null ? OptionalInt.empty() : OptionalInt.of(id);
    }

    Optional<String> token(int id) {
        return Optional.ofNullable(tokenOf.get(id));
    }

    List<String> specialTokens() {
        return special.stream().sorted().map(id -> tokenOf.getOrDefault(id, "")).toList();
    }

    boolean isSpecial(int id) {
        return special.contains(id);
    }
}
