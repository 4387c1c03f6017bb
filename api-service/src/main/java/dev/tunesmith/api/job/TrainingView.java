package dev.tunesmith.api.job;

import dev.tunesmith.contracts.fit.Depth;
import dev.tunesmith.contracts.job.AdapterSpec;
import dev.tunesmith.contracts.job.AdapterSpec.FrozenForm;
import dev.tunesmith.contracts.job.AdapterSpec.Quantization;
import dev.tunesmith.contracts.job.JobSpec;
import dev.tunesmith.contracts.job.ResolvedSpec;
import dev.tunesmith.contracts.job.TrainingOptions;
import dev.tunesmith.contracts.method.MethodChoice;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// The `x_training` of a job, under the keys of the create body: what was asked for until the data
/// was read, then every value that will be used.
final class TrainingView {
    private final Map<String, Object> values = new LinkedHashMap<>();

    private TrainingView() {}

    static Map<String, Object> of(JobSpec spec, @Nullable ResolvedSpec resolved) {
        var view = new TrainingView();
        if (resolved == null) {
            view.asked(spec.training());
            view.asked(spec.choice());
            spec.training().data().addTo(view.values);
        } else {
            view.resolved(resolved);
            resolved.rows().plan().addTo(view.values);
        }
        view.put("client_job_id", spec.labels().clientJobId());
        return view.values;
    }

    private void asked(TrainingOptions options) {
        TrainingOptions.Adapter adapter = options.adapter();
        put("adapter", adapter.kind());
        put("rank", adapter.rank());
        put("alpha", adapter.alpha());
        put("dropout", adapter.dropout());
        put("target_modules", adapter.targetModules());
        put("use_rslora", adapter.rslora());
        put("export", adapter.export());
        put("quantization", adapter.quantization());
        put("double_quantization", adapter.doubleQuantization());
        put("block_size", adapter.sizes().blockSize());
        put("virtual_tokens", adapter.sizes().virtualTokens());
        asked(adapter.part());
        asked(adapter.refinements());
        TrainingOptions.Rows rows = options.rows();
        put("max_seq_len", rows.maxSeqLen());
        put("packing", rows.packing());
        put("overflow", rows.overflow());
        put("train_on_prompt", rows.trainOnPrompt());
        put("val_size", rows.validationShare());
        put("shifted_attention", rows.shiftedAttention());
        put("attention_group", rows.attentionGroup());
        Depth.SETTINGS.forEach(each -> put(each.key(), options.wishes().care().get(each.key())));
        TrainingOptions.Optimizer optimizer = options.optimizer();
        put("learning_rate", optimizer.learningRate());
        put("scheduler", optimizer.curve());
        put("warmup_ratio", optimizer.warmupRatio());
        put("warmup_steps", optimizer.warmupSteps());
        put("weight_decay", optimizer.weightDecay());
        put("max_grad_norm", optimizer.maxGradNorm());
        put("adam_beta1", optimizer.adam().beta1());
        put("adam_beta2", optimizer.adam().beta2());
        put("adam_epsilon", optimizer.adam().epsilon());
        put("optimizer", asked(optimizer.form()));
        TrainingOptions.Cadence cadence = options.cadence();
        put("logging_steps", cadence.loggingSteps());
        put("save_steps", cadence.saveSteps());
        put("eval_steps", cadence.evalSteps());
        put("max_steps", cadence.maxSteps());
        put("precision", options.compute().precision());
        put("micro_batch", options.compute().microBatch());
        put("gradient_accumulation_steps", options.compute().accumulation());
        put("recompute", options.compute().recompute());
    }

    private void asked(TrainingOptions.Part part) {
        TrainingOptions.LayerChoice layers = part.layers();
        put("trainable_layers", layers == null ? null : layers.wire());
        put("trainable_modules", part.modules());
        put("extra_modules", part.extra());
        put("new_blocks", part.newBlocks());
        put("trainable_share", part.share());
    }

    private void asked(TrainingOptions.Refinements refinements) {
        put("rank_pattern", refinements.rankPattern());
        put("alpha_pattern", refinements.alphaPattern());
        put("exclude_modules", refinements.excludeModules());
        put("modules_to_save", refinements.modulesToSave());
        put("bias", refinements.bias());
        put("loraplus_lr_ratio", refinements.plusRatio());
        put("loraplus_lr_embedding", refinements.plusEmbeddingRate());
    }

    private static @Nullable Object asked(TrainingOptions.@Nullable Form form) {
        if (form == null || form.given().isEmpty()) {
            return form == null ? null : form.kind();
        }
        var tree = new LinkedHashMap<String, Object>(form.given());
        tree.put("type", form.kind());
        return tree;
    }

    private void asked(MethodChoice choice) {
        var all = new LinkedHashMap<String, Object>();
        choice.settings().addTo(all);
        all.keySet().retainAll(choice.given());
        values.putAll(all);
    }

    private void resolved(ResolvedSpec spec) {
        spec.settings().addTo(values);
        put("adapter", spec.adapter().kind());
        spec.adapter().settings().forEach(this::put);
        if (spec.adapter() instanceof AdapterSpec.Lora lora) {
            FrozenForm frozen = lora.frozen();
            put("quantization", frozen == null ? Quantization.NONE : frozen.type());
            put("double_quantization", frozen == null ? null : frozen.doubled());
        }
        ResolvedSpec.Rows rows = spec.rows();
        put("max_seq_len", rows.maxSeqLen());
        put("packing", rows.packing());
        put("overflow", rows.overflow());
        put("train_on_prompt", rows.trainOnPrompt());
        put("val_size", rows.validationShare());
        put("shifted_attention", rows.attentionGroup() > 0);
        put("attention_group", rows.attentionGroup() > 0 ? rows.attentionGroup() : null);
        rows.depth().flat().forEach(this::put);
        ResolvedSpec.Optimizer optimizer = spec.optimizer();
        put("learning_rate", optimizer.learningRate());
        put("scheduler", optimizer.curve());
        put("warmup_ratio", optimizer.warmupRatio());
        put("warmup_steps", optimizer.warmupSteps());
        put("weight_decay", optimizer.weightDecay());
        put("max_grad_norm", optimizer.maxGradNorm());
        put("optimizer", optimizer.form().wire());
        optimizer.adamKeys().forEach(this::put);
        ResolvedSpec.Steps steps = spec.steps();
        put("logging_steps", steps.loggingSteps());
        put("save_steps", steps.saveSteps());
        put("eval_steps", steps.evalSteps());
        put("max_steps", steps.maxSteps());
        put("precision", spec.precision());
        put("micro_batch", rows.microBatch());
        put("gradient_accumulation_steps", rows.accumulation());
        put("gradient_checkpointing", spec.gradientCheckpointing());
        put("recompute", spec.recompute());
    }

    private void put(String key, @Nullable Object value) {
        if (value != null) {
            values.put(key, value);
        }
    }
}
