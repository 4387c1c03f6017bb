package dev.tunesmith.contracts.method;

import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.annotation.JsonTypeInfo;
import com.fasterxml.jackson.annotation.JsonTypeName;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// What one training method has to be told beside rows, steps and optimizer.
@JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "type")
@JsonSubTypes({
    @JsonSubTypes.Type(MethodSettings.Supervised.class),
    @JsonSubTypes.Type(MethodSettings.Pretrain.class),
    @JsonSubTypes.Type(MethodSettings.Preference.class),
    @JsonSubTypes.Type(MethodSettings.Reward.class),
    @JsonSubTypes.Type(MethodSettings.ReferenceFree.class),
    @JsonSubTypes.Type(MethodSettings.Ppo.class),
    @JsonSubTypes.Type(MethodSettings.Kto.class),
    @JsonSubTypes.Type(GroupSettings.class),
    @JsonSubTypes.Type(DistillSettings.class)
})
public sealed interface MethodSettings
        permits MethodSettings.Supervised,
                MethodSettings.Pretrain,
                MethodSettings.Ppo,
                MethodSettings.ReferenceFree,
                MethodSettings.Kto,
                MethodSettings.Reward,
                MethodSettings.Preference,
                GroupSettings,
                DistillSettings {

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

    /// Which model that is, if one is run.
    default Reference reference() {
        return Reference.START;
    }

    /// Whether a head with one output trains with the model.
    default boolean needsScoreHead() {
        return false;
    }

    /// What scores answers, if something does.
    default Optional<Grader> judge() {
        return Optional.empty();
    }

    /// Other models that the method reads, by what they are to it.
    default Map<ModelRole, String> companions() {
        Map<ModelRole, String> all = new EnumMap<>(ModelRole.class);
        judge().map(ModelRole::judges).ifPresent(all::putAll);
        if (needsReference()) {
            reference().model().ifPresent(name -> all.put(ModelRole.REFERENCE, name));
        }
        return all;
    }

    /// Rows that go back through the model at once, of `together` that are computed at once in
    /// batches of `batch`.
    default int rowsBack(int together, int batch) {
        return together;
    }

    /// Optimizer steps that are made of the same rows, one after another.
    default int updatesPerBatch() {
        return 1;
    }

    /// Answers that the model itself gives to a prompt.
    default int answersToPrompt() {
        return answerTokens() > 0 ? 1 : 0;
    }

    /// Answers that are drawn at once for batches of so many prompts.
    default int drawnTogether(int batch) {
        return Math.min(Ppo.Rollout.TOGETHER_MAX, batch * answersToPrompt());
    }

    /// Tokens that the model itself adds to a row.
    default int answerTokens() {
        return 0;
    }

    /// The hyper-parameters that only this method has, by their names on the wire.
    default Map<String, Object> hyperparameters() {
        return Map.of();
    }

    /// Supervised tuning: answers to learn.
    ///
    /// @param labelSmoothing share of a token's weight that is spread over the vocabulary
    /// @param eaftAlpha exponent of the factor of [TokenLoss#EAFT]
    /// @param noise NEFTune's noise on the embeddings (arXiv 2310.05914), 0 for none
    /// @param lastAnswerOnly trains the last answer of a conversation, with the others as history
    /// @param asftAlpha factor of the distance to the model before training, for [TokenLoss#ASFT]
    @JsonTypeName("supervised")
    record Supervised(
            TokenLoss loss,
            double labelSmoothing,
            double eaftAlpha,
            double noise,
            boolean lastAnswerOnly,
            double asftAlpha,
            Reference reference)
            implements MethodSettings {

        public Supervised {
            // Jobs of earlier releases were stored without it.
            loss = Objects.requireNonNullElse(loss, TokenLoss.NLL);
            reference = Objects.requireNonNullElse(reference, Reference.START);
        }

        /// Cross-entropy of all answers.
        public static final Supervised USUAL =
                new Supervised(TokenLoss.NLL, 0, 1, 0, false, 0.1, Reference.START);

        @Override
        public Method method() {
            return Method.SUPERVISED;
        }

        @Override
        public boolean needsReference() {
            return loss == TokenLoss.ASFT;
        }

        @Override
        public void addTo(Map<String, Object> flat) {
            flat.put("loss_type", loss.wire());
            if (loss == TokenLoss.EAFT) {
                flat.put("eaft_alpha", eaftAlpha);
            }
            if (loss == TokenLoss.ASFT) {
                flat.put("asft_alpha", asftAlpha);
                flat.put("reference", reference.wire());
            }
            flat.put("label_smoothing", labelSmoothing);
            flat.put("neftune_noise_alpha", noise);
            flat.put("mask_history", lastAnswerOnly);
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

    /// Proximal policy optimisation (arXiv 1707.06347, with the details of arXiv 2403.17031): the
    /// model answers, a grader scores the answers, and better ones become more probable.
    @JsonTypeName("ppo")
    record Ppo(
            Rollout rollout,
            Distance distance,
            Credit credit,
            Update update,
            Grader grader,
            Reference reference)
            implements MethodSettings {

        public Ppo {
            // Jobs of earlier releases were stored without it.
            reference = Objects.requireNonNullElse(reference, Reference.START);
        }

        /// How answers are drawn.
        ///
        /// @param tokensMax longest answer
        /// @param topK most probable tokens to draw from, 0 for all
        public record Rollout(int tokensMax, double temperature, double topP, int topK) {
            /// Answers that are drawn at once; more wait until those have ended.
            public static final int TOGETHER_MAX = 64;
        }

        /// The price of moving away from the reference, in the reward.
        ///
        /// @param coefficient of the estimate; where it starts if there is a target
        /// @param target distance that the coefficient is steered to; null keeps it
        /// @param horizon answers over which it is steered
        public record Distance(
                KlEstimator estimator,
                double coefficient,
                @Nullable Double target,
                double horizon) {}

        /// How a score becomes an advantage of each token.
        ///
        /// @param gamma discount of later rewards
        /// @param lambda of the generalised advantage estimate (arXiv 1506.02438)
        /// @param whitenRewards scales rewards to variance 1, the mean stays
        /// @param missingEndPenalty subtracted from answers that were cut off
        /// @param normaliseScores takes scores relative to their running mean and deviation
        public record Credit(
                double gamma,
                double lambda,
                boolean whitenRewards,
                double missingEndPenalty,
                boolean normaliseScores) {}

        /// How the model is updated from one batch of answers.
        ///
        /// @param epochs how often each answer is used
        /// @param miniBatches updates of one pass over the answers
        public record Update(
                int epochs,
                int miniBatches,
                double clip,
                double valueClip,
                double valueCoefficient,
                double entropyCoefficient) {}

        /// The constants of TRL and LLaMA-Factory.
        public static Ppo usual(Grader grader) {
            return new Ppo(
                    new Rollout(128, 1, 1, 0),
                    new Distance(KlEstimator.K1, 0.05, null, 10_000),
                    new Credit(1, 0.95, false, 0, false),
                    new Update(4, 1, 0.2, 0.2, 0.1, 0),
                    grader,
                    Reference.START);
        }

        @Override
        public Method method() {
            return Method.PPO;
        }

        @Override
        public Optional<Grader> judge() {
            return Optional.of(grader);
        }

        @Override
        public boolean needsReference() {
            return true;
        }

        @Override
        public boolean needsScoreHead() {
            return true;
        }

        @Override
        public int rowsBack(int together, int batch) {
            return Math.min(together, Math.ceilDiv(batch, update.miniBatches));
        }

        @Override
        public int updatesPerBatch() {
            return update.epochs * update.miniBatches;
        }

        @Override
        public int answerTokens() {
            return rollout.tokensMax;
        }

        @Override
        public void addTo(Map<String, Object> flat) {
            flat.put("max_completion_length", rollout.tokensMax);
            flat.put("temperature", rollout.temperature);
            flat.put("top_p", rollout.topP);
            flat.put("top_k", rollout.topK);
            flat.put("kl_estimator", distance.estimator.wire());
            flat.put("kl_coef", distance.coefficient);
            if (distance.target != null) {
                flat.put("kl_target", distance.target);
                flat.put("kl_horizon", distance.horizon);
            }
            flat.put("gamma", credit.gamma);
            flat.put("lam", credit.lambda);
            flat.put("whiten_rewards", credit.whitenRewards);
            flat.put("missing_eos_penalty", credit.missingEndPenalty);
            flat.put("score_norm", credit.normaliseScores);
            flat.put("ppo_epochs", update.epochs);
            flat.put("num_mini_batches", update.miniBatches);
            flat.put("cliprange", update.clip);
            flat.put("cliprange_value", update.valueClip);
            flat.put("vf_coef", update.valueCoefficient);
            flat.put("entropy_coef", update.entropyCoefficient);
            flat.put("reference", reference.wire());
        }
    }

    /// ORPO, SimPO and CPO: pairs of answers without a reference, beside the cross-entropy of the
    /// chosen one.
    ///
    /// @param labelSmoothing share of pairs that are expected to be the wrong way round
    /// @param nllWeight factor of the cross-entropy
    /// @param gamma margin that SimPO asks for
    /// @param alpha AlphaPO's shape of SimPO's reward (arXiv 2501.03884); 0 for none
    @JsonTypeName("reference_free")
    record ReferenceFree(
            Method method,
            Loss loss,
            double beta,
            double labelSmoothing,
            double nllWeight,
            Nll nll,
            double gamma,
            double alpha)
            implements MethodSettings {

        /// The comparison of a pair.
        public enum Loss {
            ORPO,
            SIGMOID,
            HINGE,
            IPO,
            SIMPO
        }

        /// What the cross-entropy is averaged over.
        public enum Nll {
            /// Tokens of the chosen answers.
            RESPONSE,
            /// Tokens of prompts and chosen answers, as TRL has it.
            FULL,
            /// Chosen answers, each by its own mean, as LLaMA-Factory has it.
            ROWS
        }

        /// The constants of the papers.
        public static ReferenceFree usual(Method method) {
            return switch (method) {
                case SIMPO -> new ReferenceFree(method, Loss.SIMPO, 2, 0, 0, Nll.RESPONSE, 0.5, 0);
                case CPO -> new ReferenceFree(method, Loss.SIGMOID, 0.1, 0, 1, Nll.RESPONSE, 0, 0);
                case ORPO -> new ReferenceFree(method, Loss.ORPO, 0.1, 0, 1, Nll.RESPONSE, 0, 0);
                case SUPERVISED,
                        PRETRAIN,
                        DPO,
                        REWARD_MODEL,
                        PPO,
                        KTO,
                        GRPO,
                        DR_GRPO,
                        DAPO,
                        GSPO,
                        RLOO,
                        REINFORCE_PLUS_PLUS,
                        REINFORCEMENT,
                        DISTILL ->
                        throw new IllegalArgumentException(method.wire());
            };
        }

        /// Whether answers are compared by the mean of their tokens, not by the sum.
        public boolean averages() {
            return loss != Loss.SIGMOID && loss != Loss.HINGE;
        }

        @Override
        public Map<String, Object> hyperparameters() {
            return Map.of("beta", beta);
        }

        @Override
        public void addTo(Map<String, Object> flat) {
            if (method == Method.ORPO) {
                flat.put("orpo_nll", nll.name().toLowerCase(java.util.Locale.ROOT));
                return;
            }
            if (method == Method.CPO) {
                flat.put("loss_type", loss.name().toLowerCase(java.util.Locale.ROOT));
            } else {
                flat.put("simpo_gamma", gamma);
                flat.put("alphapo_alpha", alpha);
            }
            flat.put("label_smoothing", labelSmoothing);
            flat.put("cpo_alpha", nllWeight);
        }
    }

    /// KTO (arXiv 2402.01306): single answers with a verdict, compared with a frozen reference and
    /// with what the policy thinks of answers to other prompts.
    ///
    /// @param desirableWeight factor of answers that were judged good
    /// @param undesirableWeight factor of the others
    @JsonTypeName("kto")
    record Kto(
            Variant variant,
            double beta,
            double desirableWeight,
            double undesirableWeight,
            Reference reference)
            implements MethodSettings {

        public Kto {
            // Jobs of earlier releases were stored without it.
            reference = Objects.requireNonNullElse(reference, Reference.START);
        }

        /// What an answer is compared with.
        public enum Variant {
            /// The mean log-ratio of mismatched answers.
            KTO,
            /// Nothing (APO-zero, arXiv 2408.06266, without pairs).
            APO_ZERO_UNPAIRED,
            /// The mean of all rewards that training has seen (BCO, arXiv 2404.04656), by the
            /// logarithm of the logistic function.
            BCO;

            /// The name of the create body.
            public String wire() {
                return name().toLowerCase(java.util.Locale.ROOT);
            }
        }

        /// The constants of the paper.
        public static final Kto USUAL = new Kto(Variant.KTO, 0.1, 1, 1, Reference.START);

        @Override
        public Method method() {
            return Method.KTO;
        }

        @Override
        public boolean needsReference() {
            return true;
        }

        @Override
        public Map<String, Object> hyperparameters() {
            return Map.of("beta", beta);
        }

        @Override
        public void addTo(Map<String, Object> flat) {
            flat.put("loss_type", variant.wire());
            flat.put("desirable_weight", desirableWeight);
            flat.put("undesirable_weight", undesirableWeight);
            flat.put("reference", reference.wire());
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
            boolean referenceFree,
            Reference reference)
            implements MethodSettings {
        /// Pull towards the reference if nothing else is asked for (arXiv 2305.18290).
        public static final double BETA = 0.1;

        /// Label smoothing of EXO, which has no value at 0.
        public static final double EXO_SMOOTHING_MIN = 1e-3;

        public Preference {
            losses = List.copyOf(losses);
            weights = List.copyOf(weights);
            // Jobs of earlier releases were stored without it.
            reference = Objects.requireNonNullElse(reference, Reference.START);
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
                    false,
                    Reference.START);
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
            if (needsReference()) {
                flat.put("reference", reference.wire());
            }
        }
    }
}
