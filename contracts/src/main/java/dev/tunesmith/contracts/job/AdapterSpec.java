package dev.tunesmith.contracts.job;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.annotation.JsonTypeInfo;
import com.fasterxml.jackson.annotation.JsonTypeName;
import com.fasterxml.jackson.annotation.JsonValue;
import dev.tunesmith.contracts.fit.Recompute;
import dev.tunesmith.contracts.fit.Workload;
import dev.tunesmith.contracts.method.AdapterKind;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/// What is trained: all weights, some of them, or an adapter beside frozen ones.
@JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "type")
@JsonSubTypes({
    @JsonSubTypes.Type(AdapterSpec.None.class),
    @JsonSubTypes.Type(AdapterSpec.Part.class),
    @JsonSubTypes.Type(AdapterSpec.Lora.class),
    @JsonSubTypes.Type(AdapterSpec.Tuner.class)
})
public sealed interface AdapterSpec {
    AdapterKind kind();

    /// Whether the adapter is added to its base at the end.
    default boolean merges() {
        return switch (this) {
            case None(), Part _ -> false;
            case Lora lora -> lora.export() == Export.MERGED;
            case Tuner tuner -> tuner.export() == Export.MERGED;
        };
    }

    /// What training it does to memory.
    ///
    /// @param rows rows of a batch of so many `tokens` each
    default Workload workload(Precision precision, int rows, int tokens, Recompute again) {
        boolean bf16 = precision == Precision.BF16;
        return switch (this) {
            case None() -> new Workload(0, List.of(), bf16, rows, tokens, again);
            case Part part ->
                    new Workload(0, List.of(), bf16, rows, tokens, again)
                            .withPortion(
                                    part.kind,
                                    new Workload.Portion(
                                            part.layers,
                                            part.modules,
                                            part.extra,
                                            part.newBlocks,
                                            part.share));
            case Lora lora ->
                    new Workload(lora.largestRank(), lora.targetModules, bf16, rows, tokens, again)
                            .withFrozenBits(lora.frozen() == null ? 0 : lora.frozen().bits())
                            .withPortion(
                                    lora.kind(),
                                    new Workload.Portion(
                                            lora.refinements.layers(),
                                            List.of(),
                                            lora.refinements.modulesToSave(),
                                            0,
                                            0));
            case Tuner tuner ->
                    new Workload(
                                    Math.max(1, tuner.size()),
                                    tuner.targetModules(),
                                    bf16,
                                    rows,
                                    tokens,
                                    again)
                            .withKind(tuner.kind());
        };
    }

    /// The settings of its kind, by their keys in the create body.
    default Map<String, Object> settings() {
        var all = new LinkedHashMap<String, Object>();
        switch (this) {
            case None() -> {
                // Nothing beside the weights.
            }
            case Part part -> {
                all.put("trainable_layers", part.layers);
                all.put("trainable_modules", part.modules);
                all.put("extra_modules", part.extra);
                all.put("new_blocks", part.newBlocks);
                all.put("trainable_share", part.share);
            }
            case Lora lora -> {
                all.put("rank", lora.rank);
                all.put("alpha", lora.alpha);
                all.put("dropout", lora.dropout);
                all.put("target_modules", lora.targetModules);
                all.put("use_rslora", lora.rslora);
                all.put("export", lora.export.wire());
                FrozenForm frozen = lora.frozen;
                if (frozen != null) {
                    all.put("quantization", frozen.type().wire());
                    all.put("double_quantization", frozen.doubled());
                }
                lora.refinements.addTo(all);
            }
            case Tuner tuner -> {
                all.put("block_size", tuner.size);
                all.put("virtual_tokens", tuner.size);
                all.put("target_modules", tuner.targetModules);
                all.put("export", tuner.export.wire());
            }
        }
        all.keySet().retainAll(kind().keys());
        return all;
    }

    /// What becomes the model of the job; its checkpoints stay adapters.
    enum Export {
        /// The adapter, served on top of its base.
        ADAPTER,
        /// The base's weights with the adapter added to them: a model of its own.
        MERGED;

        @JsonCreator
        public static Export of(String wire) {
            return valueOf(wire.toUpperCase(Locale.ROOT));
        }

        @JsonValue
        public String wire() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /// Every parameter of the model is trained.
    @JsonTypeName("none")
    record None() implements AdapterSpec {
        @Override
        public AdapterKind kind() {
            return AdapterKind.NONE;
        }
    }

    /// Some weights of the model train, the others stay as they are.
    ///
    /// @param layers layers that train, by their number in the model that is saved
    /// @param modules what trains of them: names or parts of paths (`mlp`, `self_attn.q_proj`), in
    ///   which `*` stands for any characters but a dot
    /// @param extra what trains beside the layers (`embed_tokens`, `norm`, `lm_head`)
    /// @param newBlocks copies of layers that the model gets first (LLaMA Pro)
    /// @param share share of every module's layers that trains, chosen by their signal (Spectrum);
    ///   0 where `layers` says it
    @JsonTypeName("part")
    record Part(
            AdapterKind kind,
            List<Integer> layers,
            List<String> modules,
            List<String> extra,
            int newBlocks,
            double share)
            implements AdapterSpec {
        /// Stands for all modules.
        public static final String ALL = "all";

        public Part {
            layers = List.copyOf(layers);
            modules = List.copyOf(modules);
            extra = List.copyOf(extra);
        }
    }

    /// LoRA (Hu et al. 2021) in the file layout of PEFT.
    ///
    /// @param alpha the update is scaled by `alpha / rank`, or `alpha / √rank` with `rslora`
    /// @param frozen how the frozen layers are quantised, null if they are not (QLoRA, Dettmers et
    ///   al. 2023)
    /// @param targetModules last segments of module names (`q_proj`), patterns with `*`, or the one
    ///   name `all-linear`
    /// @param variant another way to make the update or to begin with it, null for the plain one
    /// @param refinements what differs between layers, and what trains along
    @JsonTypeName("lora")
    record Lora(
            int rank,
            double alpha,
            double dropout,
            List<String> targetModules,
            boolean rslora,
            Export export,
            @Nullable FrozenForm frozen,
            @Nullable AdapterKind variant,
            Refinements refinements)
            implements AdapterSpec {
        /// Stands for every linear layer except the head.
        public static final String ALL_LINEAR = "all-linear";

        public Lora {
            if (rank < 1) {
                throw new IllegalArgumentException("rank must be at least 1: " + rank);
            }
            targetModules = List.copyOf(targetModules);
            // Specs that were stored before this choice existed do not name it.
            export = Objects.requireNonNullElse(export, Export.ADAPTER);
            refinements = Objects.requireNonNullElse(refinements, Refinements.NONE);
        }

        /// Beside weights as they are.
        public Lora(
                int rank,
                double alpha,
                double dropout,
                List<String> targetModules,
                boolean rslora,
                Export export) {
            this(rank, alpha, dropout, targetModules, rslora, export, null, null, Refinements.NONE);
        }

        /// The same made in another way.
        public Lora withVariant(AdapterKind other) {
            return new Lora(
                    rank,
                    alpha,
                    dropout,
                    targetModules,
                    rslora,
                    export,
                    frozen,
                    other,
                    refinements);
        }

        /// The same with another end.
        public Lora with(Export other) {
            return new Lora(
                    rank,
                    alpha,
                    dropout,
                    targetModules,
                    rslora,
                    other,
                    frozen,
                    variant,
                    refinements);
        }

        /// The same beside quantised weights.
        public Lora withFrozen(@Nullable FrozenForm form) {
            return new Lora(
                    rank,
                    alpha,
                    dropout,
                    targetModules,
                    rslora,
                    export,
                    form,
                    variant,
                    refinements);
        }

        /// The same with what differs between layers.
        public Lora withRefinements(Refinements others) {
            return new Lora(
                    rank, alpha, dropout, targetModules, rslora, export, frozen, variant, others);
        }

        @Override
        public AdapterKind kind() {
            if (variant != null) {
                return variant;
            }
            return frozen == null ? AdapterKind.LORA : AdapterKind.QLORA;
        }

        /// The largest rank of a module.
        public int largestRank() {
            return refinements.rankPattern.values().stream().reduce(rank, Math::max);
        }

        /// The factor of the low-rank product.
        public double scale() {
            return rslora ? alpha / Math.sqrt(rank) : alpha / rank;
        }
    }

    /// What a low-rank adapter has beside one rank for all layers; the names are those of PEFT.
    ///
    /// @param rankPattern other ranks, by the end of a module's name or a pattern for it
    /// @param alphaPattern other alphas
    /// @param layers layers that are adapted; empty means all
    /// @param modulesToSave modules that train as a whole and are saved with the adapter
    /// @param plusRatio how much faster output factors learn than input factors (LoRA+, arXiv
    ///   2402.12354)
    /// @param plusEmbeddingRate learning rate of embedding factors under LoRA+
    record Refinements(
            Map<String, Integer> rankPattern,
            Map<String, Double> alphaPattern,
            List<String> excludeModules,
            List<Integer> layers,
            List<String> modulesToSave,
            TrainedBias bias,
            double plusRatio,
            double plusEmbeddingRate) {
        private static final double EMBEDDING_RATE = 1e-6;

        /// One rank everywhere, and nothing beside the factors.
        public static final Refinements NONE =
                new Refinements(
                        Map.of(),
                        Map.of(),
                        List.of(),
                        List.of(),
                        List.of(),
                        TrainedBias.NONE,
                        1,
                        EMBEDDING_RATE);

        public Refinements {
            rankPattern = Map.copyOf(rankPattern);
            alphaPattern = Map.copyOf(alphaPattern);
            excludeModules = List.copyOf(excludeModules);
            layers = List.copyOf(layers);
            modulesToSave = List.copyOf(modulesToSave);
        }

        private void addTo(Map<String, Object> all) {
            all.put("rank_pattern", new TreeMap<>(rankPattern));
            all.put("alpha_pattern", new TreeMap<>(alphaPattern));
            all.put("exclude_modules", excludeModules);
            all.put("trainable_layers", layers);
            all.put("modules_to_save", modulesToSave);
            all.put("bias", bias.wire());
            all.put("loraplus_lr_ratio", plusRatio);
            all.put("loraplus_lr_embedding", plusEmbeddingRate);
        }
    }

    /// Which biases of the model train along.
    enum TrainedBias {
        /// None.
        NONE,
        /// All of them.
        ALL,
        /// Those of adapted layers.
        LORA_ONLY;

        @JsonCreator
        public static TrainedBias of(String wire) {
            return valueOf(wire.toUpperCase(Locale.ROOT));
        }

        @JsonValue
        public String wire() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /// An adapter of another kind, in the file layout of PEFT.
    ///
    /// @param size rows of a block that rotates, or learned tokens; 0 where the kind has neither
    @JsonTypeName("tuner")
    record Tuner(AdapterKind kind, int size, List<String> targetModules, Export export)
            implements AdapterSpec {
        public Tuner {
            targetModules = List.copyOf(targetModules);
        }
    }

    /// How the frozen linear layers below an adapter are held in memory when they are quantised.
    ///
    /// @param doubled whether the scales are quantised too
    record FrozenForm(Quantization type, boolean doubled) {
        private static final double SCALE_BLOCK = 64;
        private static final double OUTER_BLOCK = 256;

        public FrozenForm {
            if (type == Quantization.NONE) {
                throw new IllegalArgumentException("nothing is quantised");
            }
        }

        /// Bits of one weight, its share of the scales included.
        public double bits() {
            double scale = doubled ? 8 + 32 / OUTER_BLOCK : 32;
            return 4 + scale / SCALE_BLOCK;
        }
    }

    /// In which codes frozen weights are held; the wire form is `x_training.quantization`.
    enum Quantization {
        /// As they are.
        NONE,
        /// Four bits, quantiles of the normal distribution (QLoRA).
        NF4,
        /// Four bits, a small float.
        FP4;

        @JsonCreator
        public static Quantization of(String wire) {
            return valueOf(wire.toUpperCase(Locale.ROOT));
        }

        @JsonValue
        public String wire() {
            return name().toLowerCase(Locale.ROOT);
        }
    }
}
