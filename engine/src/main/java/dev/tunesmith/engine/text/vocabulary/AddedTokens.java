package dev.tunesmith.engine.text.vocabulary;

import dev.tunesmith.engine.io.JsonTree;
import dev.tunesmith.engine.io.ModelDirectory;
import dev.tunesmith.engine.io.ModelFileException;
import dev.tunesmith.engine.text.vocabulary.Piece.Kind;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/// The tokens that a model adds to its vocabulary, as the files beside the vocabulary list them.
final class AddedTokens {
    private static final String ADDED = "added_tokens.json";
    private static final int IDS_MAX = 1 << 22;

    private final Path vocabulary;
    private final Map<String, Object> config;
    private final Map<Integer, Token> tokens = new TreeMap<>();

    /// @param special whether it is a control token, which decoding can leave out
    record Token(int id, String content, boolean special) {}

    private AddedTokens(Path vocabulary, Map<String, Object> config) {
        this.vocabulary = vocabulary;
        this.config = config;
    }

    /// The tokens that stand in `tokenizer_config.json` or, in older models, `added_tokens.json`
    /// beside `vocabulary`.
    static AddedTokens beside(Path vocabulary) {
        var added =
                new AddedTokens(
                        vocabulary,
                        optional(vocabulary.resolveSibling(ModelDirectory.TOKENIZER_CONFIG)));
        if (added.config.get("added_tokens_decoder") instanceof Map<?, ?> entries) {
            entries.forEach((id, entry) -> added.put(added.decoded(id.toString(), entry)));
        } else {
            optional(vocabulary.resolveSibling(ADDED))
                    .forEach((content, id) -> added.put(added.older(content, id)));
        }
        return added;
    }

    /// Control tokens among pieces, and symbols that users defined. The latter are looked for in
    /// the text as it is written, with its blanks.
    static List<Token> named(List<Piece> pieces) {
        List<Token> named = new ArrayList<>();
        for (int id = 0; id < pieces.size(); id++) {
            Kind kind = pieces.get(id).kind();
            if (kind == Kind.CONTROL || kind == Kind.UNKNOWN || kind == Kind.USER_DEFINED) {
                named.add(new Token(id, spelled(pieces.get(id)), kind != Kind.USER_DEFINED));
            }
        }
        return named;
    }

    /// The text of a piece; a symbol that users defined has blanks in it.
    static String spelled(Piece piece) {
        return piece.kind() == Kind.USER_DEFINED
                ? piece.text().replace('\u2581', ' ')
                : piece.text();
    }

    private static Map<String, Object> optional(Path file) {
        return Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS)
                ? JsonTree.read(file)
                : Map.of();
    }

    private Token decoded(String id, Object entry) {
        if (!id.matches("\\d{1,7}")
                || !(entry instanceof Map<?, ?> map)
                || !(map.get("content") instanceof String content)) {
            throw new ModelFileException(
                    vocabulary.resolveSibling(ModelDirectory.TOKENIZER_CONFIG),
                    "added_tokens_decoder: entry %s is no token".formatted(id));
        }
        return new Token(Integer.parseInt(id), content, !Boolean.FALSE.equals(map.get("special")));
    }

    private Token older(String content, Object id) {
        if (!(id instanceof Integer number) || number < 0) {
            throw new ModelFileException(
                    vocabulary.resolveSibling(ADDED), "token %s has id %s".formatted(content, id));
        }
        return new Token(number, content, content.startsWith("<") && content.endsWith(">"));
    }

    private void put(Token token) {
        if (token.id >= IDS_MAX || token.content.isEmpty()) {
            throw new ModelFileException(
                    vocabulary.resolveSibling(ModelDirectory.TOKENIZER_CONFIG),
                    "token '%s' has id %d".formatted(token.content, token.id));
        }
        tokens.put(token.id, token);
    }

    /// Adds a token that the vocabulary itself names, unless its id is known already.
    AddedTokens orElse(Token token) {
        tokens.putIfAbsent(token.id, token);
        return this;
    }

    /// All of them by id.
    List<Token> all() {
        return List.copyOf(tokens.values());
    }

    /// The token with that text.
    Optional<Token> find(@Nullable String content) {
        return tokens.values().stream().filter(t -> t.content.equals(content)).findAny();
    }

    /// The text of a special token such as `bos_token`.
    Optional<String> role(String role) {
        return switch (config.get(role)) {
            case String text -> Optional.of(text);
            case Map<?, ?> map when map.get("content") instanceof String text -> Optional.of(text);
            case null, default -> Optional.empty();
        };
    }

    /// A setting of `tokenizer_config.json`, if it is there and true or false.
    Optional<Boolean> flag(String key) {
        return config.get(key) instanceof Boolean value ? Optional.of(value) : Optional.empty();
    }

    /// A text of `tokenizer_config.json`, or an empty one.
    String text(String key) {
        return config.get(key) instanceof String value ? value : "";
    }

    /// What stands before and behind every text, if the model asks for it.
    Optional<Map<String, Object>> around(boolean bosByDefault) {
        List<Token> before = new ArrayList<>();
        List<Token> end = new ArrayList<>();
        if (flag("add_bos_token").orElse(bosByDefault)) {
            role("bos_token").flatMap(this::find).ifPresent(before::add);
        }
        if (flag("add_eos_token").orElse(false)) {
            role("eos_token").flatMap(this::find).ifPresent(end::add);
        }
        return before.isEmpty() && end.isEmpty()
                ? Optional.empty()
                : Optional.of(TokenizerTree.around(before, end));
    }

    /// The entries of a `tokenizer.json`.
    List<Map<String, Object>> entries() {
        return tokens.values().stream().map(AddedTokens::entry).toList();
    }

    /// An entry of a `tokenizer.json`.
    static Map<String, Object> entry(Token token) {
        Map<String, Object> entry = new LinkedHashMap<>();
        entry.put("id", token.id);
        entry.put("content", token.content);
        for (String flag : List.of("single_word", "lstrip", "rstrip", "normalized")) {
            entry.put(flag, false);
        }
        entry.put("special", token.special);
        return entry;
    }
}
