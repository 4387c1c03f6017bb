package dev.tunesmith.kernels.cpu;

import static org.assertj.core.api.Assertions.fail;

/// How far a kernel may be from its fp64 twin: absolute + |reference| · relative, with the reason.
enum Tolerance {
    EXACT(0, 0, 0, 0, "copies and integers"),
    ELEMENTWISE(1e-6, 2e-6, 1e-3, 8e-3, "one bf16 rounding is 2^-8; exp and erf add 1-2 ulp"),
    GATED(2e-6, 5e-6, 2e-3, 1.2e-2, "erf is a polynomial of 1.5e-7; the activation is rounded too"),
    NORM_FORWARD(1e-6, 1e-5, 2e-3, 1e-2, "one reduction, two roundings"),
    NORM_BACKWARD(1e-5, 1e-4, 5e-3, 2e-2, "difference of close numbers"),
    COLUMN_SUM(1e-5, 1e-4, 1e-5, 1e-4, "fp32 sums of exact inputs, whatever the storage"),
    CROSS_ENTROPY(1e-5, 1e-5, 1e-5, 1e-5, "sums in fp32 over exact inputs"),
    CROSS_ENTROPY_GRADIENT(1e-6, 2e-5, 1e-3, 1e-2, "written in the storage type"),
    ATTENTION_FORWARD(1e-5, 1e-4, 5e-3, 2e-2, "probabilities are bf16 inside tiles"),
    ATTENTION_BACKWARD(2e-5, 1e-4, 2e-2, 2e-2, "score gradients are bf16 inside tiles"),
    PRODUCT(1e-5, 1e-5, 1e-2, 1e-2, "fp32 sums, then one rounding"),
    PRODUCT_SUM(1e-5, 1e-5, 3e-2, 2e-2, "c is rounded behind each term where no tiles multiply"),
    ADAMW(1e-7, 2e-6, 1e-7, 2e-6, "state is fp32 whatever the gradient"),
    ADAMW_COPY(1e-7, 4e-3, 1e-7, 4e-3, "the bf16 copy is the rounded master");

    private final double absoluteF32;
    private final double relativeF32;
    private final double absoluteBf16;
    private final double relativeBf16;
    private final String reason;

    Tolerance(
            double absoluteF32,
            double relativeF32,
            double absoluteBf16,
            double relativeBf16,
            String reason) {
        this.absoluteF32 = absoluteF32;
        this.relativeF32 = relativeF32;
        this.absoluteBf16 = absoluteBf16;
        this.relativeBf16 = relativeBf16;
        this.reason = reason;
    }

    /// Fails with the worst element and its share of the allowance.
    void check(String what, Element type, double[] expected, float[] actual) {
        if (expected.length != actual.length) {
            fail("%s: %d values expected, %d found", what, expected.length, actual.length);
        }
        double worst = 0;
        int at = -1;
        for (int i = 0; i < expected.length; i++) {
            double share = share(type, expected[i], actual[i]);
            if (at < 0 || share > worst) {
                worst = share;
                at = i;
            }
        }
        if (worst > 1) {
            fail(
                    "%s in %s: element %d is %s, expected %s, %.0f %% of the allowance (%s)",
                    what, type, at, actual[at], expected[at], 100 * worst, reason);
        }
    }

    private double share(Element type, double expected, float actual) {
        double difference = Math.abs(expected - actual);
        if (expected == actual) {
            return 0;
        }
        boolean wide = type == Element.F32;
        double allowed =
                (wide ? absoluteF32 : absoluteBf16)
                        + Math.abs(expected) * (wide ? relativeF32 : relativeBf16);
        double share = difference / allowed;
        return Double.isNaN(share) ? Double.POSITIVE_INFINITY : share;
    }
}
