package dev.tunesmith.contracts.method;

import org.jspecify.annotations.Nullable;

/// How answers of a group with advantages become a loss (GRPO, arXiv 2402.03300, and its
/// relatives).
///
/// @param perSequence ratios are those of whole answers, by the mean of their tokens (GSPO, arXiv
///   2507.18071)
/// @param price of the distance to the reference
/// @param entropy bonus, and which tokens train
public record GroupLoss(Kind kind, boolean perSequence, Clip clip, Price price, Entropy entropy) {

    /// The term of a token with ratio w and advantage A, and what the sum is divided by.
    public enum Kind {
        /// Clipped; the mean of each answer, then of all answers.
        GRPO,
        /// Clipped; the mean of all tokens of the step.
        BNPO,
        /// Clipped; divided by answers times the longest allowed answer (arXiv 2503.20783).
        DR_GRPO,
        /// Clipped; the mean of all tokens of the step (arXiv 2503.14476).
        DAPO,
        /// Clipped; the sum of each answer, then the mean.
        LUSPO,
        /// `−min(w, high)·A·log π`, the factor without gradient (arXiv 2506.13585).
        CISPO,
        /// A soft gate in place of the clip (arXiv 2511.20347).
        SAPO,
        /// A smooth weight of the answer's ratio in place of the clip.
        VESPO,
        /// Clipped, with the ratio of the whole answer, by the sum of its tokens (arXiv
        /// 2402.14740).
        RLOO;
    }

    /// Bounds of the ratio: `1 − low` and `1 + high`, for [Kind#CISPO] `high` itself.
    ///
    /// @param largest bound of the unclipped term too; null for none
    public record Clip(double low, double high, @Nullable Double largest) {}

    /// The price of the distance to the reference, in the loss.
    ///
    /// @param coefficient of the k3 estimate; 0 needs no reference
    /// @param corrected multiplies the estimate by the ratio
    public record Price(double coefficient, boolean corrected) {}

    /// What the openness of the choice does to a token or an answer.
    ///
    /// @param bonus factor of the entropy in the loss
    /// @param share of tokens with the largest entropy that train; 1 for all
    /// @param offPolicyMax mean distance to the old policy above which answers with a negative
    ///   advantage are left out; null for none
    public record Entropy(double bonus, double share, @Nullable Double offPolicyMax) {}

    /// GRPO as in TRL: clipped at 0.2, without a reference.
    public static final GroupLoss USUAL =
            new GroupLoss(
                    Kind.DAPO,
                    false,
                    new Clip(0.2, 0.2, null),
                    new Price(0, false),
                    new Entropy(0, 1, null));
}
