package dev.tunesmith.contracts.method;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;
import java.util.Locale;

/// How much each token of a supervised answer counts.
public enum TokenLoss {
    /// Cross-entropy: all alike.
    NLL,
    /// Dynamic fine-tuning (arXiv 2508.05629): by the probability that the token has already.
    DFT,
    /// Entropy-adaptive tuning, as LLaMA-Factory has it: by how open the choice is.
    EAFT,
    /// Anchored tuning (arXiv 2509.23753): as [#DFT], with a price on the distance to the model
    /// before training.
    ASFT;

    @JsonCreator
    public static TokenLoss of(String wire) {
        return valueOf(wire.toUpperCase(Locale.ROOT));
    }

    @JsonValue
    public String wire() {
        return name().toLowerCase(Locale.ROOT);
    }
}
