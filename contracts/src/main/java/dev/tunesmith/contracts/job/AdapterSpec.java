package dev.tunesmith.contracts.job;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.annotation.JsonTypeInfo;
import com.fasterxml.jackson.annotation.JsonTypeName;
import com.fasterxml.jackson.annotation.JsonValue;
import java.util.List;
import java.util.Locale;
import java.util.Objects;

/// What is trained: all weights, or a low-rank adapter beside frozen ones.
@JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "type")
@JsonSubTypes({
    @JsonSubTypes.Type(AdapterSpec.None.class),
    @JsonSubTypes.Type(AdapterSpec.Lora.class)
})
public sealed interface AdapterSpec {
    AdapterKind kind();

    /// Whether the adapter is added to its base at the end.
    default boolean merges() {
        return this instanceof Lora lora && lora.export() == Export.MERGED;
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
    /// @param targetModules last segments of module names (`q_proj`), or the one name `all-linear`
    @JsonTypeName("lora")
    record Lora(
            int rank,
            double alpha,
            double dropout,
            List<String> targetModules,
            boolean rslora,
            Export export)
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

        @Override
        public AdapterKind kind() {
            return AdapterKind.LORA;
        }

        /// The factor of the low-rank product.
        public double scale() {
            return rslora ? alpha / Math.sqrt(rank) : alpha / rank;
        }
    }
}
