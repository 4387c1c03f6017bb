package dev.tunesmith.engine.loop;

import dev.tunesmith.contracts.care.Care;
import dev.tunesmith.contracts.care.Groups;
import dev.tunesmith.contracts.job.AdapterSpec;
import dev.tunesmith.contracts.job.AdapterSpec.FrozenForm;
import dev.tunesmith.contracts.job.ResolvedSpec;
import java.util.LinkedHashMap;
import java.util.Map;

/// The part of a spec that decides the numbers of a run, as plain values. A checkpoint is continued
/// only where all of it is the same; cadences of reports and checkpoints may differ.
final class SpecTree {

    private SpecTree() {}

    static Map<String, Object> of(ResolvedSpec spec) {
        Map<String, Object> tree = new LinkedHashMap<>();
        tree.put("method", spec.method().wire());
        tree.putAll(spec.settings().hyperparameters());
        spec.settings().addTo(tree);
        tree.put("model", spec.model());
        tree.put("precision", spec.precision().wire());
        tree.put("seed", spec.seed());
        tree.put("gradient_checkpointing", spec.gradientCheckpointing());
        boolean codes =
                spec.adapter() instanceof AdapterSpec.Lora lora
                        && lora.variant() == null
                        && lora.frozen() != null;
        // QLoRA is LoRA on codes.
        tree.put("adapter", codes ? "lora" : spec.adapter().kind().wire());
        tree.putAll(spec.adapter().settings());
        // What the result is does not change the numbers.
        tree.remove("export");
        if (spec.adapter() instanceof AdapterSpec.Lora lora) {
            FrozenForm frozen = lora.frozen();
            if (frozen != null) {
                tree.put("quantization", frozen.type().wire());
                tree.put("double_quantization", frozen.doubled());
            }
        }
        ResolvedSpec.Rows rows = spec.rows();
        tree.put("max_seq_len", rows.maxSeqLen());
        tree.put("packing", rows.packing());
        tree.put("attention_group", rows.attentionGroup());
        if (rows.depth().on()) {
            tree.putAll(rows.depth().flat());
        }
        if (rows.template() != null) {
            tree.put("template", rows.template());
        }
        tree.put("overflow", rows.overflow().wire());
        tree.put("train_on_prompt", rows.trainOnPrompt());
        tree.put("val_size", rows.validationShare());
        rows.plan().addTo(tree);
        tree.put("batch_size", rows.batchSize());
        tree.put("micro_batch", rows.microBatch());
        ResolvedSpec.Optimizer optimizer = spec.optimizer();
        tree.put("learning_rate", optimizer.learningRate());
        tree.put("scheduler", optimizer.curve().wire());
        tree.put("warmup_ratio", optimizer.warmupRatio());
        tree.put("warmup_steps", String.valueOf(optimizer.warmupSteps()));
        tree.put("weight_decay", optimizer.weightDecay());
        tree.put("max_grad_norm", optimizer.maxGradNorm());
        tree.put("optimizer", optimizer.form().wire());
        Groups groups = optimizer.groups();
        if (!groups.equals(Groups.USUAL)) {
            tree.putAll(groups.flat());
            // Where states lie does not change them.
            tree.remove("optimizer_states");
        }
        addCare(spec.steps().care(), tree);
        tree.put("n_epochs", spec.steps().nEpochs());
        tree.put("max_steps", String.valueOf(spec.steps().maxSteps()));
        return tree;
    }

    /// What watches over a run decides its numbers only where it does something; which checkpoints
    /// are kept never does.
    private static void addCare(Care care, Map<String, Object> tree) {
        Map<String, Object> all = care.flat();
        Map<String, Object> usual = Care.USUAL.flat();
        all.forEach((key, value) -> {
            if (!key.startsWith("keep_") && !value.equals(usual.get(key))) {
                tree.put(key, value);
            }
        });
    }
}
