package dev.tunesmith.engine.adapter.kind;

import dev.tunesmith.engine.adapter.site.AdapterException;
import dev.tunesmith.engine.adapter.site.Scope;
import dev.tunesmith.engine.adapter.site.Targets;
import dev.tunesmith.engine.adapter.site.TrainedBias;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/// The tree of an `adapter_config.json` while it is read; what is wrong is collected.
public final class Settings {

    private final Map<String, Object> tree;
    private final List<String> faults = new ArrayList<>();

    Settings(Map<String, Object> tree) {
        this.tree = tree;
    }

    /// Notes something that cannot be used.
    void fault(String reason) {
        faults.add(reason);
    }

    /// Throws everything that was wrong.
    void finish() {
        if (!faults.isEmpty()) {
            throw new AdapterException("adapter_config.json", faults);
        }
    }

    /// Options that change the maths and are not implemented: they may only be off.
    void refuse(Collection<String> keys) {
        for (String key : keys.stream().sorted().toList()) {
            if (isSet(tree.get(key))) {
                fault("%s = %s is not supported".formatted(key, tree.get(key)));
            }
        }
    }

    boolean flag(String key) {
        return isSet(tree.get(key));
    }

    boolean flag(String key, boolean absent) {
        return tree.get(key) == null ? absent : isSet(tree.get(key));
    }

    private static boolean isSet(@Nullable Object value) {
        return switch (value) {
            case null -> false;
            case Boolean flag -> flag;
            case Map<?, ?> map -> !map.isEmpty();
            case List<?> list -> !list.isEmpty();
            default -> true;
        };
    }

    double number(String key, double absent) {
        return switch (tree.get(key)) {
            case Number number -> number.doubleValue();
            case null -> absent;
            case Object other -> {
                fault("%s must be a number, not %s".formatted(key, other));
                yield absent;
            }
        };
    }

    /// A whole number that is at least `min`.
    int integer(String key, int absent, int min) {
        int value = (int) number(key, absent);
        if (value < min) {
            fault("%s must be at least %d: %d".formatted(key, min, value));
            return min;
        }
        return value;
    }

    String text(String key, String absent) {
        return tree.get(key) instanceof String text ? text : absent;
    }

    /// A list of texts, sorted: files write sets in any order.
    List<String> texts(String key) {
        return texts(tree.get(key));
    }

    private static List<String> texts(@Nullable Object value) {
        return value instanceof List<?> list
                ? list.stream().map(String::valueOf).sorted().toList()
                : List.of();
    }

    Map<String, Double> numbers(String key) {
        Map<String, Double> numbers = new TreeMap<>();
        if (tree.get(key) instanceof Map<?, ?> map) {
            map.forEach((name, n) -> numbers.put(name.toString(), ((Number) n).doubleValue()));
        }
        return numbers;
    }

    /// Lists of flags by name.
    Map<String, List<Boolean>> masks(String key) {
        Map<String, List<Boolean>> masks = new TreeMap<>();
        if (tree.get(key) instanceof Map<?, ?> map) {
            map.forEach((name, list) ->
                    masks.put(
                            name.toString(),
                            ((List<?>) list).stream().map(Settings::isSet).toList()));
        }
        return masks;
    }

    /// What all kinds have in common.
    ///
    /// @param kind the word before `_only` in the option `bias`
    Scope scope(String kind) {
        String word = text("bias", "none");
        TrainedBias bias = TrainedBias.NONE;
        if (word.equals(TrainedBias.ALL.wire(kind))) {
            bias = TrainedBias.ALL;
        } else if (word.equals(TrainedBias.TARGETS.wire(kind))) {
            bias = TrainedBias.TARGETS;
        } else if (!word.equals("none")) {
            fault("bias = %s is not supported".formatted(word));
        }
        return new Scope(
                text("base_model_name_or_path", ""), targets(), bias, texts("modules_to_save"));
    }

    /// The scope of a kind that changes no module.
    Scope plainScope() {
        if (flag("modules_to_save")) {
            fault("modules_to_save beside virtual tokens is not supported");
        }
        return Scope.of(text("base_model_name_or_path", ""), Targets.named(List.of()));
    }

    private Targets targets() {
        if (!flag("target_modules") && !flag("target_parameters")) {
            fault("target_modules is missing");
        }
        List<Integer> layers =
                switch (tree.get("layers_to_transform")) {
                    case Number layer -> List.of(layer.intValue());
                    case List<?> list -> integers(list);
                    case null, default -> List.of();
                };
        String layersPattern =
                switch (tree.get("layers_pattern")) {
                    case String text -> text;
                    case List<?> list when !list.isEmpty() ->
                            String.join("|", texts(list)).transform("(?:%s)"::formatted);
                    case null, default -> null;
                };
        return new Targets(
                selection(tree.get("target_modules")),
                selection(tree.get("exclude_modules")),
                layers,
                layersPattern,
                tokens(tree.get("trainable_token_indices")));
    }

    /// A list means the embedding, whatever its name.
    private static Map<String, List<Integer>> tokens(@Nullable Object value) {
        Map<String, List<Integer>> tokens = new TreeMap<>();
        switch (value) {
            case List<?> list -> tokens.put(Targets.EMBEDDING, integers(list));
            case Map<?, ?> map ->
                    map.forEach(
                            (name, list) -> tokens.put(name.toString(), integers((List<?>) list)));
            case null, default -> {
                // Nothing trains by rows.
            }
        }
        return tokens;
    }

    List<Integer> integers(String key) {
        return tree.get(key) instanceof List<?> list ? integers(list) : List.of();
    }

    private static List<Integer> integers(List<?> list) {
        return list.stream().map(n -> ((Number) n).intValue()).toList();
    }

    /// Names, or one pattern.
    Targets.Selection selection(String key) {
        return selection(tree.get(key));
    }

    private static Targets.Selection selection(@Nullable Object value) {
        return value instanceof String pattern
                ? new Targets.Selection.Regex(pattern)
                : new Targets.Selection.Names(texts(value));
    }

    /// Whole numbers without a fraction, as PEFT writes them.
    static Number plain(double value) {
        if (value == Math.rint(value)) {
            return (long) value;
        }
        return value;
    }
}
