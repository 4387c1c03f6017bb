package dev.tunesmith.contracts.job;

import org.jspecify.annotations.Nullable;

/// The three OpenAI hyper-parameters as asked for; null stands for `"auto"`.
///
/// @param batchSize rows of one optimizer step (packed rows if `packing` is on)
/// @param learningRateMultiplier times the recipe's own learning rate
public record Hyperparameters(
        @Nullable Integer nEpochs,
        @Nullable Integer batchSize,
        @Nullable Double learningRateMultiplier) {
    /// Everything left to the resolver.
    public static final Hyperparameters AUTO = new Hyperparameters(null, null, null);
}
