package dev.tunesmith.contracts.job;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.annotation.JsonTypeInfo;
import com.fasterxml.jackson.annotation.JsonTypeName;
import com.fasterxml.jackson.annotation.JsonValue;
import dev.tunesmith.contracts.method.AdapterKind;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/// What is trained: all weights, or a low-rank adapter beside frozen ones.
@JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "type")
@JsonSubTypes({
    @JsonSubTypes.Type(AdapterSpec.None.class),
    @JsonSubTypes.Type(AdapterSpec.Lora.class),
    @JsonSubTypes.Type(AdapterSpec.Tuner.class)
})
public sealed interface AdapterSpec {
    AdapterKind kind();

    /// Whether the adapter is added to its base at the end.
    default boolean merges() {
        return switch (this) {
            case None() -> false;
            case Lora lora -> lora.export() == Export.MERGED;
            case Tuner tuner -> tuner.export() == Export.MERGED;
        };
    }

    /// The settings of its kind, by their keys in the create body.
    default Map<String, Object> settings() {
        var all = new LinkedHashMap<String, Object>();
        switch (this) {
            case None() -> {
                // Nothing beside the weights.
            }
            case Lora lora -> {
                all.put("rank", lora.rank);
                all.put("alpha", lora.alpha);
                all.put("dropout", lora.dropout);
                all.put("target_modules", lora.targetModules);
                all.put("use_rslora", lora.rslora);
                all.put("export", lora.export.wire());
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

    /// LoRA (Hu et al. 2021) in the file layout of PEFT.
    ///
    /// @param alpha the update is scaled by `alpha / rank`, or `alpha / √rank` with `rslora`
    /// @param frozen how the frozen layers are quantised, null if they are not (QLoRA, Dettmers et
    ///   al. 2023)
    /// @param targetModules last segments of module names (`q_proj`), or the one name `all-linear`
    /// @param variant another way to make the update or to begin with it, null for the plain one
    @JsonTypeName("lora")
    record Lora(
            int rank,
            double alpha,
            double dropout,
            List<String> targetModules,
            boolean rslora,
            Export export,
            @Nullable FrozenForm frozen,
            @Nullable AdapterKind variant)
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
        }

        /// Beside weights as they are.
        public Lora(
                int rank,
                double alpha,
                double dropout,
                List<String> targetModules,
                boolean rslora,
                Export export) {
            this(rank, alpha, dropout, targetModules, rslora, export, null, null);
        }

        /// The same made in another way.
        public Lora withVariant(AdapterKind other) {
            return new Lora(rank, alpha, dropout, targetModules, rslora, export, frozen, other);
        }

        /// The same beside quantised weights.
        public Lora withFrozen(@Nullable FrozenForm form) {
            return new Lora(rank, alpha, dropout, targetModules, rslora, export, form, variant);
        }

        @Override
        public AdapterKind kind() {
            if (variant != null) {
                return variant;
            }
            return frozen == null ? AdapterKind.LORA : AdapterKind.QLORA;
        }

        /// The factor of the low-rank product.
        public double scale() {
            return rslora ? alpha / Math.sqrt(rank) : alpha / rank;
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
