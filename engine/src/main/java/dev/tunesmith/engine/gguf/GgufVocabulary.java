package dev.tunesmith.engine.gguf;

import dev.tunesmith.engine.io.JsonTree;
import dev.tunesmith.engine.io.ModelDirectory;
import dev.tunesmith.engine.text.vocabulary.Splits;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// The tokenizer of a model folder as the metadata of a GGUF file; the way back from
/// [GgufTokenizer].
final class GgufVocabulary {
    private static final int NORMAL = 1;
    private static final int UNKNOWN = 2;
    private static final int CONTROL = 3;
    private static final int USER_DEFINED = 4;
    private static final int UNUSED = 5;
    private static final int BYTE = 6;

    private final ModelDirectory model;
    private final Map<String, Object> tree;
    private final Map<?, ?> bpe;
    private final List<String> faults;

    private GgufVocabulary(
            ModelDirectory model, Map<String, Object> tree, Map<?, ?> bpe, List<String> faults) {
        this.model = model;
        this.tree = tree;
        this.bpe = bpe;
        this.faults = faults;
    }

    /// Adds the keys of the tokenizer.
    ///
    /// @param rows of the embedding, each of which needs a token
    /// @param faults gets why the tokenizer cannot be said in a file
    /// @return what the file lacks, in words for the user
    static List<String> add(GgufWriter to, ModelDirectory model, int rows, List<String> faults) {
        Optional<Path> file = model.tokenizer();
        if (file.isEmpty()) {
            faults.add("%s is missing".formatted(ModelDirectory.TOKENIZER));
            return List.of();
        }
        Map<String, Object> tree = JsonTree.read(file.get());
        Map<?, ?> bpe = tree.get("model") instanceof Map<?, ?> map ? map : Map.of();
        if (!Objects.equals(bpe.get("type"), "BPE") || !(bpe.get("vocab") instanceof Map<?, ?>)) {
            faults.add("tokenizer: type %s is not BPE".formatted(bpe.get("type")));
            return List.of();
        }
        new GgufVocabulary(model, tree, bpe, faults).addAll(to, rows);
        return model.chatTemplate().isPresent()
                ? List.of()
                : List.of("the model has no chat template");
    }

    private void addAll(GgufWriter to, int rows) {
        boolean pieces = Boolean.TRUE.equals(bpe.get("byte_fallback"));
        List<String> merges = merges();
        to.put("tokenizer.ggml.model", pieces ? "llama" : "gpt2");
        if (pieces) {
            to.put("tokenizer.ggml.add_space_prefix", tree.toString().contains("Prepend"));
        } else {
            split().ifPresent(split -> to.put("tokenizer.ggml.pre", split));
        }
        addTokens(to, rows, pieces, merges);
        if (!pieces && !merges.isEmpty()) {
            to.put("tokenizer.ggml.merges", merges);
        }
        for (String role : List.of("bos", "eos", "unk", "pad")) {
            String name = role.equals("unk") ? "unknown" : role.equals("pad") ? "padding" : role;
            id(role).ifPresent(id -> to.put("tokenizer.ggml.%s_token_id".formatted(name), id));
        }
        to.put("tokenizer.ggml.add_bos_token", addsStart());
        model.chatTemplate().ifPresent(template -> to.put("tokenizer.chat_template", template));
    }

    private Optional<String> split() {
        Optional<String> split = Splits.ggufName(tree.get("pre_tokenizer"));
        if (split.isEmpty()) {
            faults.add(
                    "tokenizer: GGUF files have no name for its split of text (known: %s)"
                            .formatted(Splits.ggufNames()));
        }
        return split;
    }

    private List<String> merges() {
        List<String> merges = new ArrayList<>();
        for (Object merge : bpe.get("merges") instanceof List<?> list ? list : List.of()) {
            merges.add(
                    merge instanceof List<?> pair
                            ? pair.getFirst() + " " + pair.getLast()
                            : String.valueOf(merge));
        }
        return merges;
    }

    private void addTokens(GgufWriter to, int rows, boolean pieces, List<String> merges) {
        String[] tokens = new String[rows];
        Integer[] types = new Integer[rows];
        Arrays.fill(types, NORMAL);
        ((Map<?, ?>) Objects.requireNonNull(bpe.get("vocab")))
                .forEach((token, id) -> set(tokens, id, String.valueOf(token)));
        for (Object one : tree.get("added_tokens") instanceof List<?> list ? list : List.of()) {
            if (one instanceof Map<?, ?> added && added.get("id") instanceof Integer id) {
                set(tokens, id, String.valueOf(added.get("content")));
                if (id >= 0 && id < rows) {
                    types[id] = Boolean.TRUE.equals(added.get("special")) ? CONTROL : USER_DEFINED;
                }
            }
        }
        for (int id = 0; id < rows; id++) {
            if (tokens[id] == null) {
                tokens[id] = "[PAD%d]".formatted(id);
                types[id] = UNUSED;
            } else if (pieces && tokens[id].matches("<0x[0-9A-F]{2}>")) {
                types[id] = BYTE;
            } else if (pieces && tokens[id].equals(bpe.get("unk_token"))) {
                types[id] = UNKNOWN;
            }
        }
        to.put("tokenizer.ggml.tokens", List.of(tokens));
        to.put("tokenizer.ggml.token_type", List.of(types));
        if (pieces) {
            to.put("tokenizer.ggml.scores", scores(tokens, merges));
        }
    }

    private void set(@Nullable String[] tokens, @Nullable Object id, String token) {
        if (id instanceof Integer number && number >= 0 && number < tokens.length) {
            tokens[number] = token;
        } else {
            faults.add(
                    "tokenizer: token %s has id %s, the embedding has %d rows"
                            .formatted(token, id, tokens.length));
        }
    }

    /// Pieces that are put together earlier have higher scores.
    private static List<Double> scores(String[] tokens, List<String> merges) {
        Map<String, Integer> rankOf = new HashMap<>();
        for (int rank = 0; rank < merges.size(); rank++) {
            rankOf.putIfAbsent(merges.get(rank).replaceFirst(" ", ""), rank);
        }
        return Arrays.stream(tokens)
                .map(token -> -(double) rankOf.getOrDefault(token, merges.size()))
                .toList();
    }

    private Optional<Integer> id(String role) {
        Object stated = model.config().get(role + "_token_id");
        if (stated instanceof List<?> several && !several.isEmpty()) {
            stated = several.getFirst();
        }
        if (stated instanceof Integer id) {
            return Optional.of(id);
        }
        return model.specialToken(role + "_token").flatMap(this::idOf);
    }

    private Optional<Integer> idOf(String token) {
        Object id = ((Map<?, ?>) Objects.requireNonNull(bpe.get("vocab"))).get(token);
        if (id instanceof Integer known) {
            return Optional.of(known);
        }
        List<?> added = tree.get("added_tokens") instanceof List<?> list ? list : List.of();
        return added.stream()
                .map(one -> one instanceof Map<?, ?> map ? map : Collections.emptyMap())
                .filter(one -> token.equals(one.get("content")))
                .map(one -> one.get("id"))
                .filter(Integer.class::isInstance)
                .map(Integer.class::cast)
                .findFirst();
    }

    /// Whether texts begin with the token for that: the configuration says so, or a template does.
    private boolean addsStart() {
        if (model.tokenizerConfig().get("add_bos_token") instanceof Boolean stated) {
            return stated;
        }
        return tree.get("post_processor") instanceof Map<?, ?> step
                && step.toString().contains("TemplateProcessing")
                && step.toString().contains("SpecialToken");
    }
}
