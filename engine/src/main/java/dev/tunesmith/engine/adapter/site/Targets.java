package dev.tunesmith.engine.adapter.site;

import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/// Which modules an adapter changes, by the rules of PEFT (`check_target_module_exists`).
///
/// @param included a name ends with one of these after a dot, or equals it; or one pattern
/// @param excluded the same, and wins
/// @param layers only these layer numbers; empty means all
/// @param layersPattern the part of a name before the layer number, such as `layers`
/// @param tokens rows of tables that train as a whole, by the name of the table
public record Targets(
        Selection included,
        Selection excluded,
        List<Integer> layers,
        @Nullable String layersPattern,
        Map<String, List<Integer>> tokens) {

    /// The word that stands for every linear layer except the head.
    public static final String ALL_LINEAR = "all-linear";

    /// What is a tensor of its own or a part of one in the libraries, no linear layer.
    private static final Pattern NO_LAYER =
            Pattern.compile(
                    ".*\\.(router|router\\.layer|experts\\.[^.]+\\.\\d+|[a-z]+_linear\\.\\d+)");

    /// Stands for the token embedding, whatever it is called.
    public static final String EMBEDDING = "";

    /// Names, or one regular expression over whole names.
    public sealed interface Selection {
        /// Modules whose name equals one of these or ends with it after a dot.
        record Names(List<String> names) implements Selection {
            public Names {
                names = List.copyOf(names);
            }
        }

        /// Modules whose whole name matches.
        record Regex(String pattern) implements Selection {}

        /// The names or the pattern, for a message or a file.
        default Object wire() {
            return switch (this) {
                case Names names -> names.names;
                case Regex regex -> regex.pattern;
            };
        }
    }

    public Targets {
        layers = List.copyOf(layers);
        tokens = Map.copyOf(tokens);
    }

    /// Every linear layer except the head.
    public static Targets allLinear() {
        return new Targets(
                new Selection.Regex(ALL_LINEAR),
                new Selection.Names(List.of()),
                List.of(),
                null,
                Map.of());
    }

    /// Modules with one of these names.
    public static Targets named(List<String> names) {
        return of(new Selection.Names(names));
    }

    /// The modules of a selection.
    public static Targets of(Selection selection) {
        return new Targets(selection, new Selection.Names(List.of()), List.of(), null, Map.of());
    }

    /// Names as they are, or if `*` occurs in one, which stands for anything but a dot, one regular
    /// expression for all of them.
    public static Selection selection(List<String> names) {
        if (names.stream().noneMatch(name -> name.contains("*"))) {
            return new Selection.Names(names);
        }
        List<String> patterns =
                names.stream().map(name -> name.replace(".", "\\.").replace("*", "[^.]*")).toList();
        return new Selection.Regex("(.*\\.)?(" + String.join("|", patterns) + ")");
    }

    /// The same without some modules.
    public Targets without(Selection modules) {
        return new Targets(included, modules, layers, layersPattern, tokens);
    }

    /// The same in some layers only; none given means all.
    public Targets onlyLayers(List<Integer> numbers) {
        return new Targets(included, excluded, numbers, layersPattern, tokens);
    }

    /// Whether the adapter changes the module.
    ///
    /// @param linear whether it is a linear layer inside the blocks
    public boolean contains(String module, boolean linear) {
        if (matches(excluded, module)) {
            return false;
        }
        if (included.equals(new Selection.Regex(ALL_LINEAR))) {
            return linear && inLayers(module) && !NO_LAYER.matcher(module).matches();
        }
        return matches(included, module) && inLayers(module);
    }

    private static boolean matches(Selection selection, String module) {
        return switch (selection) {
            case Selection.Names names ->
                    names.names.stream()
                            .anyMatch(name -> module.equals(name) || module.endsWith("." + name));
            case Selection.Regex regex -> module.matches(regex.pattern);
        };
    }

    private boolean inLayers(String module) {
        if (layers.isEmpty()) {
            return true;
        }
        String before = layersPattern == null ? "[^.]*" : layersPattern;
        Matcher matcher = Pattern.compile(".*\\." + before + "\\.(\\d+)\\..*").matcher(module);
        return matcher.matches() && layers.contains(Integer.parseInt(matcher.group(1)));
    }

    /// The names or the pattern, for a message or a file.
    public Object wire() {
        return included.wire();
    }

    /// Adds what is set to the tree of an `adapter_config.json`.
    public void write(Map<String, Object> tree) {
        tree.put("target_modules", wire());
        if (!excluded.equals(new Selection.Names(List.of()))) {
            tree.put("exclude_modules", excluded.wire());
        }
        if (!layers.isEmpty()) {
            tree.put("layers_to_transform", layers);
        }
        if (layersPattern != null) {
            tree.put("layers_pattern", layersPattern);
        }
        if (!tokens.isEmpty()) {
            Object rows = tokens.get(EMBEDDING);
            tree.put("trainable_token_indices", rows == null ? tokens : rows);
        }
    }
}
