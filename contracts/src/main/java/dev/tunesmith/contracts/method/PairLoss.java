package dev.tunesmith.contracts.method;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;
import java.util.Locale;

/// A loss on pairs of answers, under the name that TRL gives it.
public enum PairLoss {
    /// DPO (arXiv 2305.18290); with label smoothing conservative DPO.
    SIGMOID,
    /// DPO on length-averaged log-ratios.
    SIGMOID_NORM,
    /// SLiC (arXiv 2305.10425) on log-ratios; torchtune calls it RSO.
    HINGE,
    /// IPO (arXiv 2310.12036), on length-averaged log-ratios.
    IPO,
    /// Robust DPO (arXiv 2403.00409): unbiased under flipped labels.
    ROBUST,
    /// EXO (arXiv 2402.00856).
    EXO_PAIR,
    /// NCA (arXiv 2402.05369).
    NCA_PAIR,
    /// BCO (arXiv 2404.04656) without its running baseline.
    BCO_PAIR,
    /// BCO with it: rewards are taken relative to the mean of all rewards that training has seen.
    BCO_PAIR_DELTA,
    /// SPPO (arXiv 2405.00675) with hard labels.
    SPPO_HARD,
    /// AOT (arXiv 2406.05882): differences of all pairs of a step, sorted.
    AOT,
    /// AOT on unpaired rewards.
    AOT_UNPAIRED,
    /// APO-zero (arXiv 2408.06266).
    APO_ZERO,
    /// APO-down (arXiv 2408.06266).
    APO_DOWN,
    /// DiscoPOP (arXiv 2406.08414).
    DISCOPOP,
    /// Cross-entropy of the chosen answer, to be mixed in.
    SFT;

    @JsonCreator
    public static PairLoss of(String wire) {
        return valueOf(wire.toUpperCase(Locale.ROOT));
    }

    @JsonValue
    public String wire() {
        return name().toLowerCase(Locale.ROOT);
    }

    /// Whether it compares with a reference model.
    public boolean needsReference() {
        return this != SFT;
    }

    /// Whether label smoothing changes it.
    public boolean takesSmoothing() {
        return switch (this) {
            case SIGMOID, SIGMOID_NORM, ROBUST, EXO_PAIR, AOT, AOT_UNPAIRED -> true;
            default -> false;
        };
    }

    /// Whether it sees log-ratios through the divergence; cross-entropy sees none.
    public boolean takesDivergence() {
        return switch (this) {
            case SIGMOID, SIGMOID_NORM, HINGE, IPO, ROBUST, EXO_PAIR, DISCOPOP, SFT -> true;
            default -> false;
        };
    }

    /// Whether one pair's loss depends on the others of its step.
    public boolean couplesPairs() {
        return this == AOT || this == AOT_UNPAIRED || this == BCO_PAIR_DELTA;
    }
}
