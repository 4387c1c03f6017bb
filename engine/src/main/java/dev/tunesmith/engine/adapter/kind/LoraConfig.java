package dev.tunesmith.engine.adapter.kind;

import dev.tunesmith.engine.adapter.site.Scope;
import dev.tunesmith.engine.adapter.site.Site;
import dev.tunesmith.engine.adapter.site.Slot;
import dev.tunesmith.engine.adapter.site.Start;
import dev.tunesmith.engine.adapter.site.Targets;
import dev.tunesmith.engine.nn.change.Change;
import dev.tunesmith.engine.nn.change.LowRank;
import dev.tunesmith.engine.nn.change.OutputScale;
import dev.tunesmith.engine.nn.change.RowNorms;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Pattern;

/// LoRA, and DoRA as its variant: low-rank factors beside frozen weights.
///
/// @param dropout share of inputs dropped while training
/// @param factorBias whether the output factor has a bias
/// @param direction whether the factors change only the direction of rows, whose length trains by
///   itself (DoRA)
/// @param tensors ends of the names of weights that are no layer of their own, such as
///   `experts.down_proj`
public record LoraConfig(
        Scope scope,
        Ranks ranks,
        double dropout,
        boolean factorBias,
        boolean direction,
        List<String> tensors)
        implements AdapterConfig {

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

    /// Switches that change the maths and are not implemented.
    private static final Set<String> REFUSED =
            Set.of(
                    "use_qalora",
                    "use_bdlora",
                    "layer_replication",
                    "alora_invocation_tokens",
                    "arrow_config",
                    "kasa_config",
                    "monteclora_config",
                    "velora_config");

    public LoraConfig {
        tensors = List.copyOf(tensors);
    }

    /// A plain LoRA of one rank.
    public static LoraConfig plain(
            String base, int rank, double alpha, double dropout, Targets targets) {
        return of(Scope.of(base, targets), Ranks.everywhere(rank, alpha), dropout, false);
    }

    /// A LoRA, or with `direction` a DoRA.
    public static LoraConfig of(Scope scope, Ranks ranks, double dropout, boolean direction) {
        return new LoraConfig(scope, ranks, dropout, false, direction, List.of());
    }

    static LoraConfig read(Settings settings) {
        settings.refuse(REFUSED);
        LoraConfig config =
                new LoraConfig(
                        settings.scope("lora"),
                        ranks(settings),
                        settings.number("lora_dropout", 0),
                        settings.flag("lora_bias"),
                        settings.flag("use_dora"),
                        settings.texts("target_parameters"));
        if (config.direction && (config.factorBias || !config.tensors.isEmpty())) {
            settings.fault("use_dora with lora_bias or target_parameters is not supported");
        }
        settings.finish();
        return config;
    }

    private static Ranks ranks(Settings settings) {
        Map<String, Integer> rankOf = new TreeMap<>();
        settings.numbers("rank_pattern").forEach((key, n) -> rankOf.put(key, n.intValue()));
        return new Ranks(
                settings.integer("r", 8, 1),
                settings.number("lora_alpha", 8),
                rankOf,
                settings.numbers("alpha_pattern"),
                settings.flag("use_rslora"));
    }

    @Override
    public String peftType() {
        return "LORA";
    }

    @Override
    public void attach(Site site) {
        int attached = site.linears(scope, ".lora_A.weight", this::change);
        attached += Experts.attach(site, this);
        attached += Tables.attach(site, this);
        attached += TokenRows.attach(site, scope.targets().tokens(), ".token_adapter");
        Site.require(attached, scope);
        SavedModules.attach(site, scope);
    }

    private Change change(Slot slot) {
        String module = slot.path().substring(Site.PREFIX.length());
        long rank = ranks.rank(module);
        LowRank addition =
                new LowRank(
                        slot.matrix(
                                ".lora_A.weight",
                                Start.kaiming(slot.inputs()),
                                rank,
                                slot.inputs()),
                        slot.matrix(".lora_B.weight", Start.zeros(), slot.outputs(), rank),
                        factorBias
                                ? slot.matrix(".lora_B.bias", Start.zeros(), slot.outputs())
                                : null,
                        ranks.scale(module),
                        dropout);
        if (!direction) {
            return Change.of(addition);
        }
        RowNorms norms = new RowNorms(slot.linear().weight());
        OutputScale scale =
                new OutputScale(
                        slot.vector(
                                ".lora_magnitude_vector",
                                new Start.Given(norms.plain()),
                                slot.outputs()),
                        OutputScale.Place.BEFORE_BIAS,
                        norms);
        return new Change(null, addition, scale);
    }

    @Override
    public void write(Map<String, Object> tree) {
        tree.put("r", ranks.rank);
        tree.put("lora_alpha", Settings.plain(ranks.alpha));
        tree.put("lora_dropout", dropout);
        tree.put("rank_pattern", new TreeMap<>(ranks.rankOf));
        Map<String, Object> alphas = new TreeMap<>();
        ranks.alphaOf.forEach((key, value) -> alphas.put(key, Settings.plain(value)));
        tree.put("alpha_pattern", alphas);
        tree.put("use_rslora", ranks.rootScale);
        tree.put("use_dora", direction);
        tree.put("init_lora_weights", true);
        tree.put("lora_bias", factorBias);
        tree.put("bias", scope.bias().wire("lora"));
        if (!tensors.isEmpty()) {
            tree.put("target_parameters", tensors);
        }
    }

    @Override
    public LoraConfig withoutDropout() {
        return new LoraConfig(scope, ranks, 0, factorBias, direction, tensors);
    }
}
