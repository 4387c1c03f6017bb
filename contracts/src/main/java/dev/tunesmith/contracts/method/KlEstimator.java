package dev.tunesmith.contracts.method;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;
import java.util.Locale;

/// How the distance to the reference is estimated from one drawn token: with d = log π − log ρ,
/// `d`, `d²/2`, or `e^−d − 1 + d`.
public enum KlEstimator {
    K1,
    K2,
    K3;

    @JsonCreator
    public static KlEstimator of(String wire) {
        return valueOf(wire.toUpperCase(Locale.ROOT));
    }

    @JsonValue
    public String wire() {
        return name().toLowerCase(Locale.ROOT);
    }

    /// The estimate for a log-ratio d.
    public double of(double ratio) {
        return switch (this) {
            case K1 -> ratio;
            case K2 -> ratio * ratio / 2;
            case K3 -> Math.exp(-ratio) - 1 + ratio;
        };
    }
}
