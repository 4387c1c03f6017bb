package dev.tunesmith.engine.text.vocabulary;

import dev.tunesmith.engine.io.ModelFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// What the tree of a `tokenizer.json` must keep to, lest the native library ends the process: it
/// checks some things only when they are used, and its failures there cannot be caught.
public final class NativeRules {
    private static final int WORD_CHARS_MAX = 10_000;

    private final Path file;

    private NativeRules(Path file) {
        this.file = file;
    }

    /// The tree, with steps that may fail written as others that do the same.
    ///
    /// @throws ModelFileException if it breaks a rule
    public static Map<String, Object> checked(Path file, Map<String, Object> tree) {
        var rules = new NativeRules(file);
        for (String part : List.of("normalizer", "pre_tokenizer", "decoder")) {
            rules.checkRegexes(part, tree.get(part));
        }
        rules.steps(tree.get("normalizer"), "normalizers").forEach(rules::checkNormalizer);
        rules.steps(tree.get("pre_tokenizer"), "pretokenizers").forEach(rules::checkSplitter);
        rules.steps(tree.get("post_processor"), "processors").forEach(rules::checkProcessor);
        if (tree.get("model") instanceof Map<?, ?> model) {
            rules.checkModel(model);
        }
        Object decoder = rules.decoder(tree.get("decoder"));
        if (decoder == null || decoder.equals(tree.get("decoder"))) {
            return tree;
        }
        Map<String, Object> changed = new LinkedHashMap<>(tree);
        changed.put("decoder", decoder);
        return changed;
    }

    private ModelFileException refusal(String reason) {
        return new ModelFileException(file, reason);
    }

    /// A step, or the steps of a sequence, however these nest.
    private List<Map<?, ?>> steps(@Nullable Object step, String key) {
        List<Map<?, ?>> all = new ArrayList<>();
        if (step instanceof Map<?, ?> map) {
            if ("Sequence".equals(map.get("type")) && map.get(key) instanceof List<?> list) {
                list.forEach(inner -> all.addAll(steps(inner, key)));
            } else {
                all.add(map);
            }
        }
        return all;
    }

    private void checkRegexes(String part, @Nullable Object step) {
        if (step != null) {
            for (String regex : RegexProbe.Patterns.of(step)) {
                if (!RegexProbe.ends(regex)) {
                    throw refusal(
                            "%s: the expression %s goes over long texts again and again"
                                    .formatted(part, regex));
                }
            }
        }
    }

    private void checkNormalizer(Map<?, ?> step) {
        if ("Precompiled".equals(step.get("type"))) {
            Object map = step.get("precompiled_charsmap");
            byte[] bytes;
            try {
                bytes = Base64.getDecoder().decode(map instanceof String text ? text : "");
            } catch (IllegalArgumentException _) {
                throw refusal("normalizer: precompiled_charsmap is no Base64");
            }
            if (!CharacterMap.isSound(bytes)) {
                throw refusal("normalizer: precompiled_charsmap is damaged");
            }
        }
    }

    private void checkSplitter(Map<?, ?> step) {
        if ("FixedLength".equals(step.get("type"))
                && step.get("length") instanceof Number length
                && length.longValue() < 1) {
            throw refusal("pre_tokenizer: FixedLength needs a length above 0");
        }
    }

    private void checkProcessor(Map<?, ?> step) {
        if ("TemplateProcessing".equals(step.get("type"))) {
            Map<?, ?> known = step.get("special_tokens") instanceof Map<?, ?> map ? map : Map.of();
            known.values().forEach(this::checkSpecial);
            checkPieces(step.get("single"), known, false);
            checkPieces(step.get("pair"), known, true);
        }
        for (String key : List.of("sep", "cls")) {
            if (step.get(key) instanceof List<?> token && !token.isEmpty()) {
                requireId(token.getLast());
            }
        }
    }

    private void checkPieces(@Nullable Object pieces, Map<?, ?> known, boolean pair) {
        if (!(pieces instanceof List<?> list)) {
            return;
        }
        for (Object piece : list) {
            if (piece instanceof Map<?, ?> map) {
                if (map.get("SpecialToken") instanceof Map<?, ?> token
                        && !known.containsKey(token.get("id"))) {
                    throw refusal(
                            "post_processor: special_tokens lacks "
                                    + String.valueOf(token.get("id")));
                }
                if (!pair
                        && map.get("Sequence") instanceof Map<?, ?> sequence
                        && !"A".equals(sequence.get("id"))) {
                    throw refusal("post_processor: single has a sequence that is not A");
                }
            }
        }
    }

    private void checkSpecial(@Nullable Object token) {
        if (token instanceof Map<?, ?> map
                && map.get("ids") instanceof List<?> ids
                && map.get("tokens") instanceof List<?> names) {
            if (ids.size() != names.size()) {
                throw refusal(
                        "post_processor: %s has %d ids and %d tokens"
                                .formatted(map.get("id"), ids.size(), names.size()));
            }
            ids.forEach(this::requireId);
        }
    }

    private void requireId(@Nullable Object id) {
        if (!(id instanceof Integer number) || number < 0) {
            throw refusal("post_processor: %s is no id of a token".formatted(id));
        }
    }

    private void checkModel(Map<?, ?> model) {
        if (model.get("continuing_subword_prefix") instanceof String prefix
                && model.get("merges") instanceof List<?> merges) {
            merges.forEach(merge -> checkMerge(merge, prefix));
        }
        if (model.get("max_input_chars_per_word") instanceof Number chars
                && chars.longValue() > WORD_CHARS_MAX) {
            throw refusal(
                    "model: max_input_chars_per_word is %s, at most %d are allowed"
                            .formatted(chars, WORD_CHARS_MAX));
        }
    }

    private void checkMerge(@Nullable Object merge, String prefix) {
        String right =
                switch (merge) {
                    case List<?> pair when !pair.isEmpty() -> String.valueOf(pair.getLast());
                    case String text -> text.substring(text.indexOf(' ') + 1);
                    case null, default -> prefix;
                };
        if (!right.startsWith(prefix)) {
            throw refusal("model: the merge %s goes on without %s".formatted(merge, prefix));
        }
    }

    /// `Strip` fails on tokens that it strips to nothing; replacing does the same and does not.
    private @Nullable Object decoder(@Nullable Object step) {
        List<Map<?, ?>> steps = steps(step, "decoders");
        if (steps.stream().noneMatch(NativeRules::stripsEnds)) {
            return step;
        }
        List<Object> safe = new ArrayList<>();
        for (Map<?, ?> one : steps) {
            if (stripsEnds(one)) {
                String content =
                        "\\x{%x}".formatted(String.valueOf(one.get("content")).codePointAt(0));
                safe.add(removal("\\A%s{0,%s}".formatted(content, one.get("start"))));
                safe.add(removal("%s{0,%s}\\z".formatted(content, one.get("stop"))));
            } else {
                safe.add(one);
            }
        }
        return TokenizerTree.step("Sequence", "decoders", safe);
    }

    private static Map<String, Object> removal(String regex) {
        return TokenizerTree.step("Replace", "pattern", Map.of("Regex", regex), "content", "");
    }

    private static boolean stripsEnds(Map<?, ?> step) {
        return "Strip".equals(step.get("type"))
                && step.get("content") instanceof String content
                && content.codePointCount(0, content.length()) == 1
                && step.get("start") instanceof Integer
                && step.get("stop") instanceof Integer stop
                && stop > 0;
    }
}
