package dev.tunesmith.contracts.survey;

import dev.tunesmith.contracts.data.DatasetStats;
import dev.tunesmith.contracts.job.ResolvedSpec;
import dev.tunesmith.contracts.method.Method;
import java.util.Locale;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// What a run will take, as far as that can be told from its data.
///
/// @param epochs passes over the data, fewer than asked for where `max_steps` ends the run before
/// @param tokens tokens that are read in all of them
/// @param trainedTokens those of them that carry loss
/// @param seconds null where it depends on answers that are only drawn while it trains
/// @param time where the time comes from
/// @param cost null without a price
/// @param price where the cost comes from
public record RunEstimate(
        double epochs,
        long tokens,
        long trainedTokens,
        @Nullable Long seconds,
        String time,
        @Nullable Double cost,
        String price) {

    private static final String NO_PRICE = "no price is set for trained tokens";

    /// The estimate of a job.
    ///
    /// @param stats of the rows that train, those that are held out included
    public static RunEstimate of(
            DatasetStats stats, ResolvedSpec spec, Pace pace, Optional<Price> price) {
        double held = spec.rows().validationShare();
        double kept = held < 1 ? 1 - held : Math.max(0, 1 - held / Math.max(1, stats.rows()));
        double epochs = epochs(stats, spec, kept);
        long tokens = Math.round(stats.tokens() * kept * epochs);
        long trained = Math.round(stats.trainedTokens() * kept * epochs);
        boolean drawn = spec.method().rowKind() == Method.RowKind.PROMPT;
        double million = trained / 1e6;
        return new RunEstimate(
                Math.round(epochs * 1000) / 1000.0,
                tokens,
                trained,
                drawn ? null : Math.max(1, Math.round(tokens / pace.tokensPerSecond())),
                drawn
                        ? "answers are drawn while it trains, so their number of tokens is not"
                                + " known before"
                        : pace.basis(),
                drawn ? null : price.map(set -> set.perMillion() * million).orElse(null),
                price.map(RunEstimate::text).orElse(NO_PRICE));
    }

    private static String text(Price price) {
        return String.format(
                Locale.ROOT,
                "%s %s a million trained tokens",
                SurveyText.amount(price.perMillion()),
                price.currency());
    }

    private static double epochs(DatasetStats stats, ResolvedSpec spec, double kept) {
        Integer most = spec.steps().maxSteps();
        if (most == null) {
            return spec.steps().nEpochs();
        }
        double rows =
                spec.rows().packing()
                        ? Math.max(1, (double) stats.tokens() / spec.rows().maxSeqLen())
                        : Math.max(1, stats.rows());
        double passes = most * (double) spec.rows().batchSize() / Math.max(1, rows * kept);
        return Math.min(spec.steps().nEpochs(), passes);
    }
}
