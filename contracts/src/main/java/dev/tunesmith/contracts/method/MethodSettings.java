package dev.tunesmith.contracts.method;

import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.annotation.JsonTypeInfo;
import com.fasterxml.jackson.annotation.JsonTypeName;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// What one training method has to be told beside rows, steps and optimizer.
@JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "type")
@JsonSubTypes({
    @JsonSubTypes.Type(MethodSettings.Supervised.class),
    @JsonSubTypes.Type(MethodSettings.Pretrain.class),
    @JsonSubTypes.Type(MethodSettings.Preference.class),
    @JsonSubTypes.Type(MethodSettings.Reward.class)
})
public sealed interface MethodSettings {

    /// The method that these settings are for.
    Method method();

    /// Every value by its key in the create body; hyper-parameters are not among them.
    default void addTo(Map<String, Object> flat) {
        // Nothing to add.
    }

    /// Whether a frozen reference model is run beside the one that trains.
    default boolean needsReference() {
        return false;
    }

    /// Whether a head with one output trains with the model.
    default boolean needsScoreHead() {
        return false;
    }

    /// The hyper-parameters that only this method has, by their names on the wire.
    default Map<String, Object> hyperparameters() {
        return Map.of();
    }

    /// Supervised tuning has nothing to say.
    @JsonTypeName("supervised")
    record Supervised() implements MethodSettings {
        @Override
        public Method method() {
            return Method.SUPERVISED;
        }
    }

    /// Pre-training has nothing to say.
    @JsonTypeName("pretrain")
    record Pretrain() implements MethodSettings {
        @Override
        public Method method() {
            return Method.PRETRAIN;
        }
    }

    /// Reward modelling: a score for each answer, learned from pairs (Bradley-Terry).
    ///
    /// @param centering pulls the scores of a pair towards a sum of 0 (arXiv 2312.09244)
    @JsonTypeName("reward_model")
    record Reward(double centering) implements MethodSettings {
        @Override
        public Method method() {
            return Method.REWARD_MODEL;
        }

        @Override
        public boolean needsScoreHead() {
            return true;
        }

        @Override
        public void addTo(Map<String, Object> flat) {
            flat.put("center_rewards_coefficient", centering);
        }
    }

    /// The DPO family: pairs of answers, compared with a frozen reference.
    ///
    /// @param beta strength of the pull towards the reference
    /// @param losses what is added up
    /// @param weights factor of each loss
    /// @param labelSmoothing share of pairs that are expected to be the wrong way round
    /// @param alpha exponent of the alpha divergence
    /// @param tau temperature of DiscoPOP's modulation
    /// @param ldAlpha weight of tokens behind the shorter answer's length (LD-DPO, arXiv
    ///   2409.06411); null counts all alike
    /// @param weighted multiplies a pair by how probable its answers are (WPO, arXiv 2406.11827)
    /// @param referenceFree compares with nothing
    @JsonTypeName("preference")
    record Preference(
            double beta,
            List<PairLoss> losses,
            List<Double> weights,
            double labelSmoothing,
            Divergence divergence,
            double alpha,
            double tau,
            @Nullable Double ldAlpha,
            boolean weighted,
            boolean referenceFree)
            implements MethodSettings {
        /// Pull towards the reference if nothing else is asked for (arXiv 2305.18290).
        public static final double BETA = 0.1;

        /// Label smoothing of EXO, which has no value at 0.
        public static final double EXO_SMOOTHING_MIN = 1e-3;

        public Preference {
            losses = List.copyOf(losses);
            weights = List.copyOf(weights);
            if (losses.isEmpty() || losses.size() != weights.size()) {
                throw new IllegalArgumentException(
                        "%d losses and %d weights".formatted(losses.size(), weights.size()));
            }
        }

        /// Plain DPO.
        public static Preference dpo(double beta) {
            return new Preference(
                    beta,
                    List.of(PairLoss.SIGMOID),
                    List.of(1.0),
                    0,
                    Divergence.REVERSE_KL,
                    0.5,
                    0.05,
                    null,
                    false,
                    false);
        }

        @Override
        public Method method() {
            return Method.DPO;
        }

        @Override
        public Map<String, Object> hyperparameters() {
            return Map.of("beta", beta);
        }

        @Override
        public boolean needsReference() {
            return !referenceFree && losses.stream().anyMatch(PairLoss::needsReference);
        }

        @Override
        public void addTo(Map<String, Object> flat) {
            flat.put("loss_type", losses.stream().map(PairLoss::wire).toList());
            flat.put("loss_weights", weights);
            flat.put("label_smoothing", labelSmoothing);
            flat.put("f_divergence_type", divergence.wire());
            if (divergence == Divergence.ALPHA_DIVERGENCE) {
                flat.put("f_alpha_divergence_coef", alpha);
            }
            if (losses.contains(PairLoss.DISCOPOP)) {
                flat.put("discopop_tau", tau);
            }
            if (ldAlpha != null) {
                flat.put("ld_alpha", ldAlpha);
            }
            flat.put("use_weighting", weighted);
            flat.put("reference_free", referenceFree);
        }
    }
}
