package dev.tunesmith.contracts.job;

import com.fasterxml.jackson.annotation.JsonAlias;
import dev.tunesmith.contracts.care.Care;
import dev.tunesmith.contracts.care.Groups;
import dev.tunesmith.contracts.fit.Depth;
import dev.tunesmith.contracts.fit.Recompute;
import dev.tunesmith.contracts.method.Method;
import dev.tunesmith.contracts.method.MethodSettings;
import dev.tunesmith.contracts.mixture.DataPlan;
import dev.tunesmith.contracts.optim.Curve;
import dev.tunesmith.contracts.optim.OptimizerSpec;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/// A job with nothing left open: what the trainer does, and where each value comes from.
///
/// @param origins origin of every value by its key in the create body (`rank`, `n_epochs` …)
public record ResolvedSpec(
        int specVersion,
        JobKind kind,
        MethodSettings settings,
        String model,
        AdapterSpec adapter,
        Rows rows,
        Steps steps,
        Optimizer optimizer,
        Precision precision,
        @JsonAlias("gradient_checkpointing") Recompute recompute,
        long seed,
        Map<String, Origin> origins) {
    /// Keys that everybody knows, beside the same settings of the optimizer.
    static final Map<String, String> ADAM_KEYS =
            Collections.unmodifiableMap(
                    new TreeMap<>(
                            Map.of(
                                    "adam_beta1", "beta1",
                                    "adam_beta2", "beta2",
                                    "adam_epsilon", "epsilon")));

    public ResolvedSpec {
        recompute = Objects.requireNonNullElse(recompute, Recompute.NONE);
        origins = Collections.unmodifiableMap(new TreeMap<>(origins));
    }

    /// Whether anything is computed a second time on the way back.
    public boolean gradientCheckpointing() {
        return recompute != Recompute.NONE;
    }

    /// The training method.
    public Method method() {
        return settings.method();
    }

    /// The same job going on with an adapter that another job has made; what becomes of it in the
    /// end is still this job's choice.
    public ResolvedSpec continuing(AdapterSpec before) {
        AdapterSpec own =
                switch (before) {
                    case AdapterSpec.Lora lora -> lora.with(exportOf(adapter));
                    case AdapterSpec.Tuner tuner ->
                            new AdapterSpec.Tuner(
                                    tuner.kind(),
                                    tuner.size(),
                                    tuner.targetModules(),
                                    exportOf(adapter));
                    case AdapterSpec.None _, AdapterSpec.Part _ ->
                            throw new IllegalArgumentException("no adapter: " + before);
                };
        var known = new TreeMap<>(origins);
        Origin origin = Origin.derived("of the adapter that training goes on with");
        known.put("adapter", origin);
        own.settings().keySet().stream()
                .filter(key -> !key.equals("export"))
                .forEach(key -> known.put(key, origin));
        return with(settings, own, rows, steps, optimizer, recompute, known);
    }

    /// The same job with other settings of its method, or of another method.
    public ResolvedSpec with(MethodSettings other) {
        return with(other, adapter, rows, steps, optimizer, recompute, origins);
    }

    /// The same job that trains something else of the model.
    public ResolvedSpec with(AdapterSpec other) {
        return with(settings, other, rows, steps, optimizer, recompute, origins);
    }

    /// The same job with other batches.
    public ResolvedSpec with(Rows other) {
        return with(settings, adapter, other, steps, optimizer, recompute, origins);
    }

    /// The same job with another end, or other things to do on the way.
    public ResolvedSpec with(Steps other) {
        return with(settings, adapter, rows, other, optimizer, recompute, origins);
    }

    /// The same job with another optimizer and its rates.
    public ResolvedSpec with(Optimizer other) {
        return with(settings, adapter, rows, steps, other, recompute, origins);
    }

    /// The same job that computes something again.
    public ResolvedSpec with(Recompute other) {
        return with(settings, adapter, rows, steps, optimizer, other, origins);
    }

    private ResolvedSpec with(
            MethodSettings newSettings,
            AdapterSpec newAdapter,
            Rows newRows,
            Steps newSteps,
            Optimizer newOptimizer,
            Recompute newRecompute,
            Map<String, Origin> newOrigins) {
        return new ResolvedSpec(
                specVersion,
                kind,
                newSettings,
                model,
                newAdapter,
                newRows,
                newSteps,
                newOptimizer,
                precision,
                newRecompute,
                seed,
                newOrigins);
    }

    private static AdapterSpec.Export exportOf(AdapterSpec adapter) {
        return adapter.merges() ? AdapterSpec.Export.MERGED : AdapterSpec.Export.ADAPTER;
    }

    /// Every value by its key in the create body, in the order in which a person reads them.
    ///
    /// This is the `x_training` object that a job shows; `null` values are left out.
    public Map<String, Object> flat() {
        var flat = new LinkedHashMap<String, Object>();
        flat.put("adapter", adapter.kind().wire());
        flat.putAll(adapter.settings());
        settings.addTo(flat);
        rows.addTo(flat);
        steps.addTo(flat);
        optimizer.addTo(flat);
        flat.put("precision", precision.wire());
        flat.put("gradient_checkpointing", gradientCheckpointing());
        flat.put("recompute", recompute.wire());
        flat.put("seed", seed);
        return Collections.unmodifiableMap(flat);
    }

    /// How rows become batches.
    ///
    /// A batch is `microBatch` rows, an optimizer step is `batchSize` rows, computed as
    /// `accumulation` batches. With packing a row is a pack of whole conversations.
    ///
    /// @param validationShare share of rows held out; 0 if there is a validation file or none
    /// @param attentionGroup tokens of a group, inside which half of the heads sees while it
    ///   trains, the other half in shifted ones (LongLoRA); 0 sees everything
    /// @param template chat template by name; it counts where the model brings none of its own
    /// @param data files, mixing and order; null for one file in a shuffled order
    /// @param depth which layers they pass
    public record Rows(
            int maxSeqLen,
            boolean packing,
            Overflow overflow,
            boolean trainOnPrompt,
            double validationShare,
            int batchSize,
            int microBatch,
            int attentionGroup,
            @Nullable String template,
            @Nullable DataPlan data,
            Depth depth) {
        public Rows {
            // Jobs of earlier releases were stored without it.
            depth = Objects.requireNonNullElse(depth, Depth.OFF);
        }

        /// Files, mixing and order.
        public DataPlan plan() {
            return data == null ? DataPlan.PLAIN : data;
        }

        /// One file, all layers; tokens see all that is before them, and the model's own template
        /// counts.
        public Rows(
                int maxSeqLen,
                boolean packing,
                Overflow overflow,
                boolean trainOnPrompt,
                double validationShare,
                int batchSize,
                int microBatch) {
            this(
                    maxSeqLen,
                    packing,
                    overflow,
                    trainOnPrompt,
                    validationShare,
                    batchSize,
                    microBatch,
                    0,
                    null,
                    null,
                    Depth.OFF);
        }

        /// The same batches of other files, whose tokens see other groups and pass other layers.
        public Rows with(int group, @Nullable DataPlan otherData, Depth otherDepth) {
            return new Rows(
                    maxSeqLen,
                    packing,
                    overflow,
                    trainOnPrompt,
                    validationShare,
                    batchSize,
                    microBatch,
                    group,
                    template,
                    otherData,
                    otherDepth);
        }

        private void addTo(Map<String, Object> flat) {
            flat.put("max_seq_len", maxSeqLen);
            flat.put("packing", packing);
            flat.put("overflow", overflow.wire());
            flat.put("shifted_attention", attentionGroup > 0);
            if (attentionGroup > 0) {
                flat.put("attention_group", attentionGroup);
            }
            flat.putAll(depth.flat());
            if (template != null) {
                flat.put("template", template);
            }
            flat.put("train_on_prompt", trainOnPrompt);
            flat.put("val_size", validationShare);
            flat.put("batch_size", batchSize);
            flat.put("micro_batch", microBatch);
            flat.put("gradient_accumulation_steps", accumulation());
            plan().addTo(flat);
        }

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
    /// @param care what watches over it
    public record Steps(
            int nEpochs,
            long planned,
            @Nullable Integer maxSteps,
            int loggingSteps,
            int saveSteps,
            int evalSteps,
            Care care) {
        public Steps {
            // Jobs of earlier releases were stored without it.
            care = Objects.requireNonNullElse(care, Care.USUAL);
        }

        /// A run that nobody watches over in a special way.
        public Steps(
                int nEpochs,
                long planned,
                @Nullable Integer maxSteps,
                int loggingSteps,
                int saveSteps,
                int evalSteps) {
            this(nEpochs, planned, maxSteps, loggingSteps, saveSteps, evalSteps, Care.USUAL);
        }

        private void addTo(Map<String, Object> flat) {
            flat.put("n_epochs", nEpochs);
            flat.put("planned_steps", planned);
            if (maxSteps != null) {
                flat.put("max_steps", maxSteps);
            }
            flat.put("logging_steps", loggingSteps);
            flat.put("save_steps", saveSteps);
            flat.put("eval_steps", evalSteps);
            flat.putAll(care.flat());
        }
    }

    /// How gradients change weights, and the learning rate.
    ///
    /// @param form the optimizer with its own settings
    /// @param learningRate peak rate, the multiplier already applied
    /// @param warmupSteps fixed warm-up; null uses `warmupRatio` of the run
    /// @param maxGradNorm 0 switches clipping off
    /// @param groups which parts of the model are treated apart
    public record Optimizer(
            double learningRate,
            double learningRateMultiplier,
            Curve curve,
            double warmupRatio,
            @Nullable Integer warmupSteps,
            double weightDecay,
            double maxGradNorm,
            OptimizerSpec form,
            Groups groups) {

        public Optimizer {
            // Jobs of earlier releases were stored without them.
            form = Objects.requireNonNullElse(form, OptimizerSpec.ADAMW);
            groups = Objects.requireNonNullElse(groups, Groups.USUAL);
        }

        /// All parts of the model are treated as other trainers do it.
        public Optimizer(
                double learningRate,
                double learningRateMultiplier,
                Curve curve,
                double warmupRatio,
                @Nullable Integer warmupSteps,
                double weightDecay,
                double maxGradNorm,
                OptimizerSpec form) {
            this(
                    learningRate,
                    learningRateMultiplier,
                    curve,
                    warmupRatio,
                    warmupSteps,
                    weightDecay,
                    maxGradNorm,
                    form,
                    Groups.USUAL);
        }

        private void addTo(Map<String, Object> flat) {
            flat.put("learning_rate", learningRate);
            flat.put("learning_rate_multiplier", learningRateMultiplier);
            flat.put("scheduler", curve.wire());
            if (warmupSteps == null) {
                flat.put("warmup_ratio", warmupRatio);
            } else {
                flat.put("warmup_steps", warmupSteps);
            }
            flat.put("weight_decay", weightDecay);
            flat.put("max_grad_norm", maxGradNorm);
            flat.putAll(groups.flat());
            flat.put("optimizer", form.wire());
            flat.putAll(adamKeys());
        }

        /// The settings that have keys of their own, as far as the optimizer has them.
        public Map<String, Object> adamKeys() {
            var keys = new LinkedHashMap<String, Object>();
            ADAM_KEYS.forEach((key, setting) -> {
                Object value = form.values().get(setting);
                if (value != null) {
                    keys.put(key, value);
                }
            });
            return keys;
        }

        /// Warm-up steps of a run of `total` optimizer steps; a ratio is rounded up.
        public long warmupOf(long total) {
            long wanted = warmupSteps == null ? (long) Math.ceil(warmupRatio * total) : warmupSteps;
            return Math.min(wanted, total);
        }
    }
}
