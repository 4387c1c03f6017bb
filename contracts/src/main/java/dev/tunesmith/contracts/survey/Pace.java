package dev.tunesmith.contracts.survey;

import dev.tunesmith.contracts.fit.ModelFacts;
import dev.tunesmith.contracts.job.ResolvedSpec;
import java.util.Locale;

/// How fast a job will train.
///
/// @param basis where that comes from, for people
public record Pace(double tokensPerSecond, String basis) {

    /// Of the product rate training reaches about so much, beside attention, norms and the step.
    private static final double SHARE_REACHED = 0.5;

    /// What was measured in the last job like this one.
    public static Pace measured(double tokensPerSecond, String job) {
        return new Pace(
                tokensPerSecond,
                "measured: %s tokens a second in %s"
                        .formatted(SurveyText.number(Math.round(tokensPerSecond)), job));
    }

    /// By the operations of the model: two for each parameter forwards, twice as many backwards
    /// where weights train, as many where only an adapter does, and another pass where it is
    /// computed again (Kaplan et al. 2020, appendix B; attention as its causal half).
    ///
    /// @param length tokens of a usual row
    public static Pace estimated(ModelFacts model, ResolvedSpec spec, Compute compute, int length) {
        long attention = 2L * model.layers() * model.heads() * model.headWidth() * length;
        double forward = 2.0 * model.parameters() + attention;
        int passes = (spec.adapter().kind().weights() ? 3 : 2) + again(spec);
        double operations = forward * passes;
        double rate = SHARE_REACHED * compute.productRate();
        return new Pace(
                rate / operations,
                String.format(
                        Locale.ROOT,
                        "estimated, not measured: %.3g GFLOP a token at %.3g GFLOP/s, half of what"
                                + " %s should reach",
                        operations / 1e9,
                        rate / 1e9,
                        compute.text()));
    }

    private static int again(ResolvedSpec spec) {
        return spec.gradientCheckpointing() ? 1 : 0;
    }
}
