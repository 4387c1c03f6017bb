package dev.tunesmith.contracts.job;

import dev.tunesmith.contracts.job.AdapterSpec.Quantization;
import dev.tunesmith.contracts.method.AdapterKind;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// The checked `x_training` object, grouped; null means that the resolver decides.
public record TrainingOptions(
        Adapter adapter, Rows rows, Optimizer optimizer, Cadence cadence, Compute compute) {
    /// Nothing asked for.
    public static final TrainingOptions NOTHING =
            new TrainingOptions(
                    new Adapter(null, null, null, null, null, null, null, null, null, null, null),
                    new Rows(null, null, null, null, null),
                    new Optimizer(null, null, null, null, null, null, new Adam(null, null, null)),
                    new Cadence(null, null, null, null),
                    new Compute(null, null, null, null));

    /// Keys `adapter`, `rank`, `alpha`, `dropout`, `target_modules`, `use_rslora`, `export`,
    /// `quantization`, `double_quantization`, `block_size`, `virtual_tokens`.
    public record Adapter(
            @Nullable AdapterKind kind,
            @Nullable Integer rank,
            @Nullable Double alpha,
            @Nullable Double dropout,
            @Nullable List<String> targetModules,
            @Nullable Boolean rslora,
            AdapterSpec.@Nullable Export export,
            @Nullable Quantization quantization,
            @Nullable Boolean doubleQuantization,
            @Nullable Integer blockSize,
            @Nullable Integer virtualTokens) {}

    /// Keys `max_seq_len`, `packing`, `overflow`, `train_on_prompt`, `val_size`.
    ///
    /// @param validationShare share of the training rows held out when there is no validation file
    public record Rows(
            @Nullable Integer maxSeqLen,
            @Nullable Boolean packing,
            @Nullable Overflow overflow,
            @Nullable Boolean trainOnPrompt,
            @Nullable Double validationShare) {}

    /// Keys `learning_rate`, `scheduler`, `warmup_ratio`, `warmup_steps`, `weight_decay`,
    /// `max_grad_norm`, and those of [Adam].
    public record Optimizer(
            @Nullable Double learningRate,
            @Nullable Curve curve,
            @Nullable Double warmupRatio,
            @Nullable Integer warmupSteps,
            @Nullable Double weightDecay,
            @Nullable Double maxGradNorm,
            Adam adam) {}

    /// Keys `adam_beta1`, `adam_beta2`, `adam_epsilon`.
    public record Adam(@Nullable Double beta1, @Nullable Double beta2, @Nullable Double epsilon) {}

    /// Keys `logging_steps`, `save_steps`, `eval_steps`, `max_steps`.
    public record Cadence(
            @Nullable Integer loggingSteps,
            @Nullable Integer saveSteps,
            @Nullable Integer evalSteps,
            @Nullable Integer maxSteps) {}

    /// Keys `precision`, `micro_batch`, `gradient_accumulation_steps`, `gradient_checkpointing`.
    public record Compute(
            @Nullable Precision precision,
            @Nullable Integer microBatch,
            @Nullable Integer accumulation,
            @Nullable Boolean gradientCheckpointing) {}
}
