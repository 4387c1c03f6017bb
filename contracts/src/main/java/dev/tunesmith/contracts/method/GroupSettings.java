package dev.tunesmith.contracts.method;

import com.fasterxml.jackson.annotation.JsonTypeName;
import dev.tunesmith.contracts.method.GroupLoss.Clip;
import dev.tunesmith.contracts.method.GroupLoss.Entropy;
import dev.tunesmith.contracts.method.GroupLoss.Kind;
import dev.tunesmith.contracts.method.GroupLoss.Price;
import dev.tunesmith.contracts.method.MethodSettings.Ppo;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/// GRPO (arXiv 2402.03300) and its relatives: several answers to each prompt are graded and
/// compared with each other.
///
/// @param answers answers to each prompt
/// @param rollout how they are drawn
@JsonTypeName("group")
public record GroupSettings(
        Method method,
        int answers,
        Ppo.Rollout rollout,
        GroupLoss loss,
        Rewarding rewarding,
        Updates updates,
        Exam exam,
        Grader grader,
        Reference reference)
        implements MethodSettings {

    public GroupSettings {
        // Jobs of earlier releases were stored without it.
        reference = Objects.requireNonNullElse(reference, Reference.START);
    }

    /// How grades become advantages.
    ///
    /// @param normaliseFirst each part of a grader is normalised in its group before they add up
    /// @param distance price of the distance to the reference, taken off the reward
    /// @param leaveOutCut answers that were cut off do not train
    public record Rewarding(
            Advantage advantage, boolean normaliseFirst, double distance, boolean leaveOutCut) {}

    /// What a reward is compared with, and what the difference is divided by.
    public enum Advantage {
        /// The mean of the group; its deviation.
        GROUP,
        /// The mean of the group; the deviation of the batch.
        BATCH,
        /// The mean of the group; nothing.
        NONE,
        /// The mean of the other answers of the group (RLOO).
        OTHERS,
        /// Mean and deviation of the batch (REINFORCE++, arXiv 2501.03262).
        WHITENED;

        /// Whether a job can ask for it by `scale_rewards`; the others belong to their method.
        public boolean hasName() {
            return this == GROUP || this == BATCH || this == NONE;
        }

        /// The name of `scale_rewards`, for those that have one.
        public String wire() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /// How often an answer is used.
    ///
    /// @param iterations passes over the answers
    /// @param miniBatches updates of one pass
    public record Updates(int iterations, int miniBatches) {}

    /// How evaluations look at the model.
    ///
    /// @param samples prompts that an evaluation asks; 0 for all
    /// @param interval steps between evaluations; 0 for the usual number
    /// @param compute how much more is drawn than usual
    public record Exam(int samples, int interval, double compute) {
        /// All prompts.
        public static final Exam USUAL = new Exam(0, 0, 1);
    }

    private static final int ANSWERS = 8;
    private static final int ANSWER_TOKENS = 128;

    /// The constants of TRL and of the papers.
    public static GroupSettings usual(Method method, Grader grader) {
        GroupLoss usual = GroupLoss.USUAL;
        Entropy entropy = usual.entropy();
        Price free = usual.price();
        GroupLoss loss =
                switch (method) {
                    case DR_GRPO -> new GroupLoss(Kind.DR_GRPO, false, usual.clip(), free, entropy);
                    case DAPO ->
                            new GroupLoss(
                                    Kind.DAPO, false, new Clip(0.2, 0.28, null), free, entropy);
                    case GSPO ->
                            new GroupLoss(
                                    Kind.GRPO, true, new Clip(3e-4, 4e-4, null), free, entropy);
                    case RLOO -> new GroupLoss(Kind.RLOO, false, usual.clip(), free, entropy);
                    default -> usual;
                };
        Advantage advantage =
                switch (method) {
                    case DR_GRPO -> Advantage.NONE;
                    case RLOO -> Advantage.OTHERS;
                    case REINFORCE_PLUS_PLUS -> Advantage.WHITENED;
                    default -> Advantage.GROUP;
                };
        double distance =
                switch (method) {
                    case RLOO -> 0.05;
                    case REINFORCE_PLUS_PLUS -> 0.01;
                    default -> 0;
                };
        int answers =
                switch (method) {
                    case RLOO -> 2;
                    case REINFORCE_PLUS_PLUS -> 1;
                    default -> ANSWERS;
                };
        return new GroupSettings(
                method,
                answers,
                new Ppo.Rollout(ANSWER_TOKENS, 1, 1, 0),
                loss,
                new Rewarding(advantage, false, distance, false),
                new Updates(1, 1),
                Exam.USUAL,
                grader,
                Reference.START);
    }

    /// Whether the price of the distance is taken off the reward instead of being in the loss.
    public static boolean pricesRewards(Method method) {
        return method == Method.RLOO || method == Method.REINFORCE_PLUS_PLUS;
    }

    @Override
    public boolean needsReference() {
        return loss.price().coefficient() > 0 || rewarding.distance > 0;
    }

    @Override
    public Optional<Grader> judge() {
        return Optional.of(grader);
    }

    @Override
    public int updatesPerBatch() {
        return updates.iterations * updates.miniBatches;
    }

    @Override
    public int answersToPrompt() {
        return answers;
    }

    @Override
    public int answerTokens() {
        return rollout.tokensMax();
    }

    @Override
    public Map<String, Object> hyperparameters() {
        if (method != Method.REINFORCEMENT) {
            return Map.of();
        }
        var keys = new LinkedHashMap<String, Object>();
        keys.put("compute_multiplier", exam.compute);
        keys.put("reasoning_effort", "default");
        if (exam.samples > 0) {
            keys.put("eval_samples", exam.samples);
        }
        if (exam.interval > 0) {
            keys.put("eval_interval", exam.interval);
        }
        return keys;
    }

    @Override
    public void addTo(Map<String, Object> flat) {
        flat.put("num_generations", answers);
        flat.put("max_completion_length", rollout.tokensMax());
        flat.put("temperature", rollout.temperature());
        flat.put("top_p", rollout.topP());
        flat.put("top_k", rollout.topK());
        flat.put("loss_type", loss.kind().name().toLowerCase(Locale.ROOT));
        flat.put("importance_sampling_level", loss.perSequence() ? "sequence" : "token");
        flat.put("epsilon", loss.clip().low());
        flat.put("epsilon_high", loss.clip().high());
        if (loss.clip().largest() != null) {
            flat.put("delta", loss.clip().largest());
        }
        flat.put(
                "kl_coef", pricesRewards(method) ? rewarding.distance : loss.price().coefficient());
        if (needsReference()) {
            flat.put("reference", reference.wire());
        }
        if (loss.price().coefficient() > 0) {
            flat.put("use_bias_correction_kl", loss.price().corrected());
        }
        if (rewarding.advantage.hasName()) {
            flat.put("scale_rewards", rewarding.advantage.wire());
        }
        flat.put(
                "multi_objective_aggregation",
                rewarding.normaliseFirst ? "normalize_then_sum" : "sum_then_normalize");
        flat.put("mask_truncated_completions", rewarding.leaveOutCut);
        flat.put("num_iterations", updates.iterations);
        flat.put("num_mini_batches", updates.miniBatches);
        flat.put("entropy_coef", loss.entropy().bonus());
        flat.put("top_entropy_quantile", loss.entropy().share());
        if (loss.entropy().offPolicyMax() != null) {
            flat.put("off_policy_mask_threshold", loss.entropy().offPolicyMax());
        }
    }
}
