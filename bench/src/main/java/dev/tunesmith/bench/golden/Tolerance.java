package dev.tunesmith.bench.golden;

/// How far a value may be from the reference: `absolute + relative · |reference| + ofLargest ·
/// largest |reference| of the tensor`.
public record Tolerance(double absolute, double relative, double ofLargest) {

    /// What one element may differ by.
    double allowed(double reference, double largest) {
        return absolute + relative * Math.abs(reference) + ofLargest * largest;
    }

    /// Only an absolute bound.
    public static Tolerance absolute(double bound) {
        return new Tolerance(bound, 0, 0);
    }
}
