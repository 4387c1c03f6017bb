package dev.tunesmith.contracts.job;

import com.fasterxml.jackson.annotation.JsonAlias;
import dev.tunesmith.contracts.care.Preset;
import dev.tunesmith.contracts.fit.Recompute;
import dev.tunesmith.contracts.job.AdapterSpec.Export;
import dev.tunesmith.contracts.job.AdapterSpec.Quantization;
import dev.tunesmith.contracts.job.AdapterSpec.TrainedBias;
import dev.tunesmith.contracts.method.AdapterKind;
import dev.tunesmith.contracts.mixture.DataPlan;
import dev.tunesmith.contracts.optim.Curve;
import dev.tunesmith.contracts.optim.OptimizerKind;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/// The checked `x_training` object, grouped; null means that the resolver decides.
///
/// @param template key `template`: a chat template by name, for models that bring none
/// @param data keys `data`, `mix_strategy`, `row_order` and the others that say what is trained
public record TrainingOptions(
        Adapter adapter,
        Rows rows,
        Optimizer optimizer,
        Cadence cadence,
        Compute compute,
        @Nullable String template,
        Wishes wishes,
        DataPlan data) {

    public TrainingOptions {
        // Specs that were stored before these keys existed do not have them.
        wishes = Objects.requireNonNullElse(wishes, Wishes.NONE);
        data = Objects.requireNonNullElse(data, DataPlan.PLAIN);
    }

    /// One file, recognised by itself.
    public TrainingOptions(
            Adapter adapter,
            Rows rows,
            Optimizer optimizer,
            Cadence cadence,
            Compute compute,
            @Nullable String template,
            Wishes wishes) {
        this(adapter, rows, optimizer, cadence, compute, template, wishes, DataPlan.PLAIN);
    }

    /// No template named.
    public TrainingOptions(
            Adapter adapter, Rows rows, Optimizer optimizer, Cadence cadence, Compute compute) {
        this(adapter, rows, optimizer, cadence, compute, null, Wishes.NONE);
    }

    /// Nothing asked for.
    public static final TrainingOptions NOTHING =
            new TrainingOptions(
                    new Adapter(null, null, null, null, null, null, null, null, null, null, null),
                    new Rows(null, null, null, null, null),
                    new Optimizer(
                            null, null, null, null, null, null, new Adam(null, null, null), null),
                    new Cadence(null, null, null, null),
                    new Compute(null, null, null, null));

    /// Keys `adapter`, `rank`, `alpha`, `dropout`, `target_modules`, `use_rslora`, `export`,
    /// `quantization`, `double_quantization`, and those of [Sizes], [Part] and [Refinements].
    public record Adapter(
            @Nullable AdapterKind kind,
            @Nullable Integer rank,
            @Nullable Double alpha,
            @Nullable Double dropout,
            @Nullable List<String> targetModules,
            @Nullable Boolean rslora,
            @Nullable Export export,
            @Nullable Quantization quantization,
            @Nullable Boolean doubleQuantization,
            Sizes sizes,
            Part part,
            Refinements refinements) {
        public Adapter {
            // Specs that were stored before these keys existed do not have them.
            sizes = Objects.requireNonNullElse(sizes, new Sizes(null, null));
            part = Objects.requireNonNullElse(part, Part.NOTHING);
            refinements = Objects.requireNonNullElse(refinements, Refinements.NOTHING);
        }

        /// Without a part of the model and without refinements.
        public Adapter(
                @Nullable AdapterKind kind,
                @Nullable Integer rank,
                @Nullable Double alpha,
                @Nullable Double dropout,
                @Nullable List<String> targetModules,
                @Nullable Boolean rslora,
                @Nullable Export export,
                @Nullable Quantization quantization,
                @Nullable Boolean doubleQuantization,
                @Nullable Integer blockSize,
                @Nullable Integer virtualTokens) {
            this(
                    kind,
                    rank,
                    alpha,
                    dropout,
                    targetModules,
                    rslora,
                    export,
                    quantization,
                    doubleQuantization,
                    new Sizes(blockSize, virtualTokens),
                    Part.NOTHING,
                    Refinements.NOTHING);
        }
    }

    /// Keys `block_size`, `virtual_tokens`.
    public record Sizes(@Nullable Integer blockSize, @Nullable Integer virtualTokens) {}

    /// Keys `rank_pattern`, `alpha_pattern`, `exclude_modules`, `modules_to_save`, `bias`,
    /// `loraplus_lr_ratio`, `loraplus_lr_embedding`.
    public record Refinements(
            @Nullable Map<String, Integer> rankPattern,
            @Nullable Map<String, Double> alphaPattern,
            @Nullable List<String> excludeModules,
            @Nullable List<String> modulesToSave,
            @Nullable TrainedBias bias,
            @Nullable Double plusRatio,
            @Nullable Double plusEmbeddingRate) {
        /// Nothing asked for.
        public static final Refinements NOTHING =
                new Refinements(null, null, null, null, null, null, null);
    }

    /// Keys `trainable_layers`, `trainable_modules`, `extra_modules`, `new_blocks`,
    /// `trainable_share`: which weights of the model train.
    public record Part(
            @Nullable LayerChoice layers,
            @Nullable List<String> modules,
            @Nullable List<String> extra,
            @Nullable Integer newBlocks,
            @Nullable Double share) {
        /// Nothing asked for.
        public static final Part NOTHING = new Part(null, null, null, null, null);
    }

    /// Some layers of a model whose size is not known yet.
    ///
    /// @param count the last ones, or if negative the first ones; 0 for those listed
    public record LayerChoice(int count, List<Integer> listed) {
        public LayerChoice {
            listed = List.copyOf(listed);
        }

        /// The layers of a model with that many.
        public List<Integer> of(int layers) {
            if (count == 0) {
                return listed.stream().distinct().sorted().toList();
            }
            int from = count > 0 ? Math.max(0, layers - count) : 0;
            int to = count > 0 ? layers : Math.min(layers, -count);
            return IntStream.range(from, to).boxed().toList();
        }

        /// As it is written in a create body.
        public Object wire() {
            return count == 0 ? listed : count;
        }
    }

    /// Keys `max_seq_len`, `packing`, `overflow`, `train_on_prompt`, `val_size`,
    /// `shifted_attention`, `attention_group`.
    ///
    /// @param validationShare share of the training rows held out when there is no validation file
    public record Rows(
            @Nullable Integer maxSeqLen,
            @Nullable Boolean packing,
            @Nullable Overflow overflow,
            @Nullable Boolean trainOnPrompt,
            @Nullable Double validationShare,
            @Nullable Boolean shiftedAttention,
            @Nullable Integer attentionGroup) {
        /// Tokens see all that is before them.
        public Rows(
                @Nullable Integer maxSeqLen,
                @Nullable Boolean packing,
                @Nullable Overflow overflow,
                @Nullable Boolean trainOnPrompt,
                @Nullable Double validationShare) {
            this(maxSeqLen, packing, overflow, trainOnPrompt, validationShare, null, null);
        }
    }

    /// Keys `learning_rate`, `scheduler`, `warmup_ratio`, `warmup_steps`, `weight_decay`,
    /// `max_grad_norm`, `optimizer`, and those of [Adam].
    public record Optimizer(
            @Nullable Double learningRate,
            @Nullable Curve curve,
            @Nullable Double warmupRatio,
            @Nullable Integer warmupSteps,
            @Nullable Double weightDecay,
            @Nullable Double maxGradNorm,
            Adam adam,
            @Nullable Form form) {}

    /// The `optimizer`: its kind, and the settings that were given with it.
    public record Form(OptimizerKind kind, Map<String, Object> given) {
        public Form {
            given = Map.copyOf(given);
        }
    }

    /// Keys `adam_beta1`, `adam_beta2`, `adam_epsilon`.
    public record Adam(@Nullable Double beta1, @Nullable Double beta2, @Nullable Double epsilon) {}

    /// Keys `logging_steps`, `save_steps`, `eval_steps`, `max_steps`.
    public record Cadence(
            @Nullable Integer loggingSteps,
            @Nullable Integer saveSteps,
            @Nullable Integer evalSteps,
            @Nullable Integer maxSteps) {}

    /// What was said about the run as a whole.
    ///
    /// @param preset key `preset`
    /// @param care the keys of [Care] and [Groups] that were given
    /// @param automatic keys whose value is `auto`
    public record Wishes(@Nullable Preset preset, Map<String, Object> care, Set<String> automatic) {
        /// Nothing said.
        public static final Wishes NONE = new Wishes(null, Map.of(), Set.of());

        public Wishes {
            care = Map.copyOf(care);
            automatic = Set.copyOf(automatic);
        }
    }

    /// Keys `precision`, `micro_batch`, `gradient_accumulation_steps`, `recompute` or
    /// `gradient_checkpointing`.
    public record Compute(
            @Nullable Precision precision,
            @Nullable Integer microBatch,
            @Nullable Integer accumulation,
            @JsonAlias("gradient_checkpointing") @Nullable Recompute recompute) {}
}
