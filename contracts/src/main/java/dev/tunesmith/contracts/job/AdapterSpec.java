package dev.tunesmith.contracts.job;

import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.annotation.JsonTypeInfo;
import com.fasterxml.jackson.annotation.JsonTypeName;
import java.util.List;

/// What is trained: all weights, or a low-rank adapter beside frozen ones.
@JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "type")
@JsonSubTypes({
    @JsonSubTypes.Type(AdapterSpec.None.class),
    @JsonSubTypes.Type(AdapterSpec.Lora.class)
})
public sealed interface AdapterSpec {
    AdapterKind kind();

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
    record Lora(int rank, double alpha, double dropout, List<String> targetModules, boolean rslora)
            implements AdapterSpec {
        /// Stands for every linear layer except the head.
        public static final String ALL_LINEAR = "all-linear";

        public Lora {
            if (rank < 1) {
                throw new IllegalArgumentException("rank must be at least 1: " + rank);
            }
            targetModules = List.copyOf(targetModules);
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
