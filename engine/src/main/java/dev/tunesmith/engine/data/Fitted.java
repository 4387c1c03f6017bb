package dev.tunesmith.engine.data;

/// A row after it was measured against the greatest length.
///
/// @param sample what is trained; empty if the row is left out
/// @param fullLength tokens of the whole row
/// @param cut whether something of the row is missing in `sample`
public record Fitted(Sample sample, int fullLength, boolean cut) {

    /// The same row, left out.
    Fitted dropped() {
        return new Fitted(new Sample(new int[0], new float[0]), fullLength, true);
    }

    /// The same row with every token trained.
    Fitted allTrained() {
        return new Fitted(sample.whole(), fullLength, cut);
    }

    /// The same row with a value.
    Fitted withValue(float value) {
        return new Fitted(sample.withValue(value), fullLength, cut);
    }

    /// A row that fits as it is.
    static Fitted whole(Sample sample) {
        return new Fitted(sample, sample.length(), false);
    }
}
