package dev.tunesmith.contracts.job;

import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/// A job with nothing left open: what the trainer does, and where each value comes from.
///
/// @param origins origin of every value by its key in the create body (`rank`, `n_epochs` …)
public record ResolvedSpec(
        int specVersion,
        JobKind kind,
        Method method,
        String model,
        AdapterSpec adapter,
        Rows rows,
        Steps steps,
        Optimizer optimizer,
        Precision precision,
        boolean gradientCheckpointing,
        long seed,
        Map<String, Origin> origins) {
    public ResolvedSpec {
        origins = java.util.Collections.unmodifiableMap(new TreeMap<>(origins));
    }

    /// How rows become batches.
    ///
    /// A batch is `microBatch` rows, an optimizer step is `batchSize` rows, computed as
    /// `accumulation` batches. With packing a row is a pack of whole conversations.
    ///
    /// @param validationShare share of rows held out; 0 if there is a validation file or none
    public record Rows(
            int maxSeqLen,
            boolean packing,
            Overflow overflow,
            boolean trainOnPrompt,
            double validationShare,
            int batchSize,
            int microBatch) {
        /// Batches of one optimizer step: `⌈batchSize / microBatch⌉`.
        public int accumulation() {
            return Math.ceilDiv(batchSize, microBatch);
        }
    }

    /// How long the run is and what happens on the way.
    ///
    /// @param planned optimizer steps expected from the data's figures; exact without packing
    /// @param maxSteps stops the run early; null runs all epochs
    /// @param saveSteps steps between checkpoints
    /// @param evalSteps steps between validations; 0 validates at start and end only
    public record Steps(
            int nEpochs,
            long planned,
            @Nullable Integer maxSteps,
            int loggingSteps,
            int saveSteps,
            int evalSteps) {}

    /// AdamW (Loshchilov & Hutter 2017) and its learning rate.
    ///
    /// @param learningRate peak rate, the multiplier already applied
    /// @param warmupSteps fixed warm-up; null uses `warmupRatio` of the run
    /// @param maxGradNorm 0 switches clipping off
    public record Optimizer(
            double learningRate,
            double learningRateMultiplier,
            Curve curve,
            double warmupRatio,
            @Nullable Integer warmupSteps,
            double weightDecay,
            double maxGradNorm,
            double beta1,
            double beta2,
            double epsilon) {
        /// Warm-up steps of a run of `total` optimizer steps; a ratio is rounded up.
        public long warmupOf(long total) {
            long wanted = warmupSteps == null ? (long) Math.ceil(warmupRatio * total) : warmupSteps;
            return Math.min(wanted, total);
        }
    }
}
