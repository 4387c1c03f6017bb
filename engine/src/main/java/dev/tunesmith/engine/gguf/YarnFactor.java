package dev.tunesmith.engine.gguf;

/// How much YaRN sharpens attention where nothing else is said; files hold what is multiplied to
/// that.
final class YarnFactor {

    /// Numbers in files are floats.
    static final double NEGLIGIBLE = 1e-6;

    private YarnFactor() {}

    static double usual(double factor) {
        return factor <= 1 ? 1 : 0.1 * Math.log(factor) + 1;
    }
}
