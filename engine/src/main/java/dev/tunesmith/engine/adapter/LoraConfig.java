package dev.tunesmith.engine.adapter;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/// What an `adapter_config.json` of kind LORA says.
///
/// @param base name of the model that the adapter was made for
/// @param dropout share of inputs dropped while training
/// @param bias which biases of the base train along
/// @param factorBias whether the output factor has a bias
/// @param savedModules modules that train as a whole, such as `lm_head`
public record LoraConfig(
        String base,
        Ranks ranks,
        Targets targets,
        double dropout,
        TrainedBias bias,
        boolean factorBias,
        List<String> savedModules) {

    /// Rank and scale of every module.
    ///
    /// @param rankOf other ranks by pattern
    /// @param alphaOf other alphas by pattern
    /// @param rootScale scale `alpha / √rank` instead of `alpha / rank` (rsLoRA, arXiv 2312.03732)
    public record Ranks(
            int rank,
            double alpha,
            Map<String, Integer> rankOf,
            Map<String, Double> alphaOf,
            boolean rootScale) {

        public Ranks {
            if (rank < 1) {
                throw new IllegalArgumentException("rank must be at least 1: " + rank);
            }
            rankOf = Map.copyOf(rankOf);
            alphaOf = Map.copyOf(alphaOf);
        }

        /// One rank and one alpha everywhere.
        public static Ranks everywhere(int rank, double alpha) {
            return new Ranks(rank, alpha, Map.of(), Map.of(), false);
        }

        /// Rank of a module.
        public int rank(String module) {
            return found(rankOf, module, rank);
        }

        /// Factor of the product of both matrices.
        public double scale(String module) {
            double alphaHere = found(alphaOf, module, alpha);
            int rankHere = rank(module);
            return alphaHere / (rootScale ? Math.sqrt(rankHere) : rankHere);
        }

        /// A key matches a whole trailing part of the name; it may be a regular expression.
        private static <T> T found(Map<String, T> byPattern, String module, T otherwise) {
            return new TreeMap<>(byPattern)
                    .entrySet().stream()
                            .filter(entry ->
                                    Pattern.matches("(.*\\.)?(" + entry.getKey() + ")", module))
                            .map(Map.Entry::getValue)
                            .findFirst()
                            .orElse(otherwise);
        }
    }

    /// Which biases of the base train along.
    public enum TrainedBias {
        NONE,
        ALL,
        LORA_ONLY
    }

    /// Switches that change the maths and are not implemented.
    private static final Set<String> REFUSED =
            Set.of(
                    "use_dora",
                    "use_qalora",
                    "use_bdlora",
                    "layer_replication",
                    "target_parameters",
                    "alora_invocation_tokens",
                    "arrow_config",
                    "kasa_config",
                    "monteclora_config",
                    "velora_config");

    public LoraConfig {
        savedModules = List.copyOf(savedModules);
    }

    /// A plain LoRA of one rank.
    public static LoraConfig plain(
            String base, int rank, double alpha, double dropout, Targets targets) {
        return new LoraConfig(
                base,
                Ranks.everywhere(rank, alpha),
                targets,
                dropout,
                TrainedBias.NONE,
                false,
                List.of());
    }

    /// Reads the tree of an `adapter_config.json`. Unknown keys are ignored.
    ///
    /// @throws AdapterException with every reason why it cannot be used
    public static LoraConfig read(Map<String, Object> tree) {
        List<String> faults = new ArrayList<>();
        if (!"LORA".equals(tree.get("peft_type"))) {
            faults.add(
                    "peft_type %s is not supported (supported: LORA)"
                            .formatted(tree.get("peft_type")));
        }
        if (!faults.isEmpty()) {
            throw new AdapterException("adapter_config.json", faults);
        }
        for (String key : REFUSED.stream().sorted().toList()) {
            if (isSet(tree.get(key))) {
                faults.add("%s = %s is not supported".formatted(key, tree.get(key)));
            }
        }
        int rank = (int) number(tree, "r", 8, faults);
        if (rank < 1) {
            faults.add("r must be at least 1: " + rank);
            rank = 1;
        }
        TrainedBias bias = bias(String.valueOf(tree.getOrDefault("bias", "none")), faults);
        Targets targets = targets(tree, faults);
        if (!faults.isEmpty()) {
            throw new AdapterException("adapter_config.json", faults);
        }
        return new LoraConfig(
                String.valueOf(tree.getOrDefault("base_model_name_or_path", "")),
                new Ranks(
                        rank,
                        number(tree, "lora_alpha", 8, faults),
                        ranks(tree.get("rank_pattern")),
                        alphas(tree.get("alpha_pattern")),
                        isSet(tree.get("use_rslora"))),
                targets,
                number(tree, "lora_dropout", 0, faults),
                bias,
                isSet(tree.get("lora_bias")),
                texts(tree.get("modules_to_save")));
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

    private static double number(
            Map<String, Object> tree, String key, double absent, List<String> faults) {
        return switch (tree.get(key)) {
            case Number number -> number.doubleValue();
            case null -> absent;
            case Object other -> {
                faults.add("%s must be a number, not %s".formatted(key, other));
                yield absent;
            }
        };
    }

    private static TrainedBias bias(String text, List<String> faults) {
        return switch (text) {
            case "none" -> TrainedBias.NONE;
            case "all" -> TrainedBias.ALL;
            case "lora_only" -> TrainedBias.LORA_ONLY;
            default -> {
                faults.add("bias = %s is not supported".formatted(text));
                yield TrainedBias.NONE;
            }
        };
    }

    private static Targets targets(Map<String, Object> tree, List<String> faults) {
        Object included = tree.get("target_modules");
        if (!isSet(included)) {
            faults.add("target_modules is missing");
        }
        List<Integer> layers =
                switch (tree.get("layers_to_transform")) {
                    case Number layer -> List.of(layer.intValue());
                    case List<?> list -> list.stream().map(n -> ((Number) n).intValue()).toList();
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
                selection(included),
                selection(tree.get("exclude_modules")),
                layers,
                layersPattern,
                tokens(tree.get("trainable_token_indices"), faults));
    }

    /// A list means the embedding; so does its name as the only key of an object.
    private static List<Integer> tokens(@Nullable Object value, List<String> faults) {
        return switch (value) {
            case null -> List.of();
            case List<?> list -> list.stream().map(n -> ((Number) n).intValue()).toList();
            case Map<?, ?> map when map.size() == 1 && map.containsKey("embed_tokens") ->
                    tokens(map.get("embed_tokens"), faults);
            default -> {
                faults.add(
                        "trainable_token_indices = %s is not supported (supported: embed_tokens)"
                                .formatted(value));
                yield List.of();
            }
        };
    }

    private static Targets.Selection selection(@Nullable Object value) {
        return value instanceof String pattern
                ? new Targets.Selection.Regex(pattern)
                : new Targets.Selection.Names(texts(value));
    }

    private static List<String> texts(@Nullable Object value) {
        return value instanceof List<?> list
                ? list.stream().map(String::valueOf).sorted().toList()
                : List.of();
    }

    private static Map<String, Integer> ranks(@Nullable Object value) {
        Map<String, Integer> ranks = new TreeMap<>();
        alphas(value).forEach((key, number) -> ranks.put(key, number.intValue()));
        return ranks;
    }

    private static Map<String, Double> alphas(@Nullable Object value) {
        Map<String, Double> alphas = new TreeMap<>();
        if (value instanceof Map<?, ?> map) {
            map.forEach((key, n) -> alphas.put(key.toString(), ((Number) n).doubleValue()));
        }
        return alphas;
    }

    /// The tree of an `adapter_config.json`, keys sorted.
    public Map<String, Object> toTree() {
        Map<String, Object> tree = new TreeMap<>();
        tree.put("peft_type", "LORA");
        tree.put("task_type", "CAUSAL_LM");
        tree.put("base_model_name_or_path", base);
        tree.put("inference_mode", true);
        tree.put("r", ranks.rank);
        tree.put("lora_alpha", plainNumber(ranks.alpha));
        tree.put("lora_dropout", dropout);
        tree.put("rank_pattern", new TreeMap<>(ranks.rankOf));
        Map<String, Object> alphas = new TreeMap<>();
        ranks.alphaOf.forEach((key, value) -> alphas.put(key, plainNumber(value)));
        tree.put("alpha_pattern", alphas);
        tree.put("use_rslora", ranks.rootScale);
        tree.put("use_dora", false);
        tree.put("fan_in_fan_out", false);
        tree.put("init_lora_weights", true);
        tree.put("lora_bias", factorBias);
        tree.put(
                "bias",
                switch (bias) {
                    case NONE -> "none";
                    case ALL -> "all";
                    case LORA_ONLY -> "lora_only";
                });
        tree.put("target_modules", targets.wire());
        targets.excludedWire().ifPresent(excluded -> tree.put("exclude_modules", excluded));
        if (!targets.layers().isEmpty()) {
            tree.put("layers_to_transform", targets.layers());
        }
        if (targets.layersPattern() != null) {
            tree.put("layers_pattern", targets.layersPattern());
        }
        if (!targets.tokens().isEmpty()) {
            tree.put("trainable_token_indices", Map.of("embed_tokens", targets.tokens()));
        }
        if (!savedModules.isEmpty()) {
            tree.put("modules_to_save", savedModules);
        }
        return tree;
    }

    /// Whole numbers without a fraction, as PEFT writes them.
    private static Number plainNumber(double value) {
        if (value == Math.rint(value)) {
            return (long) value;
        }
        return value;
    }
}
