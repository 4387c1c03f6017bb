package dev.tunesmith.bench.verify;

import dev.tunesmith.bench.golden.CaseRunner;
import dev.tunesmith.bench.golden.UnsupportedCaseException;
import dev.tunesmith.bench.method.DistillationCases;
import dev.tunesmith.bench.method.GroupCases;
import dev.tunesmith.bench.method.KtoCases;
import dev.tunesmith.bench.method.PairCases;
import dev.tunesmith.bench.method.PpoCases;
import dev.tunesmith.bench.method.ReferenceFreeCases;
import dev.tunesmith.bench.method.RewardCases;
import dev.tunesmith.bench.method.SupervisedCases;
import dev.tunesmith.bench.method.TrainCases;
import dev.tunesmith.bench.optim.StepCases;
import dev.tunesmith.bench.text.DatasetCases;
import dev.tunesmith.bench.text.NamedTemplateCases;
import dev.tunesmith.bench.text.ScoreCases;
import dev.tunesmith.bench.text.ToolFormatCases;
import java.util.Map;
import java.util.TreeMap;

/// Which runner computes which group of cases.
final class CaseGroups {

    private static final Map<String, CaseRunner> RUNNERS =
            new TreeMap<>(
                    Map.ofEntries(
                            Map.entry("families", new FamilyCases()),
                            Map.entry("adapters/base", new AdapterCases.Plain()),
                            Map.entry("adapters", new AdapterCases()),
                            Map.entry("optim/schedules", OptimizerCases::schedules),
                            Map.entry("optim/clip", OptimizerCases::clip),
                            Map.entry("optim/optimizers", new StepCases()),
                            Map.entry("optim/groups", OptimizerCases::groups),
                            Map.entry("quant/bnb4", new QuantCases.FourBit()),
                            Map.entry("quant/bnb_models", new QuantCases.Checkpoints()),
                            Map.entry("quant/gptq", PackedMatrixCases.turnedWithConfig()),
                            Map.entry("quant/awq", PackedMatrixCases.turnedWithConfig()),
                            Map.entry("quant/gguf_blocks", GgufCases.ofBlocks()),
                            Map.entry("quant/gguf_models", GgufCases.ofModels()),
                            Map.entry("quant/hqq", PackedMatrixCases.hqq()),
                            Map.entry("quant/int8", PackedMatrixCases.int8()),
                            Map.entry("quant/fp8_block", PackedMatrixCases.float8()),
                            Map.entry(
                                    "quant/compressed_tensors",
                                    PackedMatrixCases.compressedTensors()),
                            Map.entry("text/lf_templates", new NamedTemplateCases()),
                            Map.entry("text/metrics", new ScoreCases()),
                            Map.entry("text/lf_datasets", new DatasetCases()),
                            Map.entry("text/lf_tools", new ToolFormatCases()),
                            Map.entry("text/chat_templates", new TemplateCases()),
                            Map.entry("text/jinja_expressions", new ExpressionCases()),
                            Map.entry("text/tokenizers", new TokenizerCases()),
                            Map.entry("text/bpe_training", new BpeTrainingCases()),
                            Map.entry("text/packing", new PackingCases()),
                            Map.entry("methods/dpo", new PairCases()),
                            Map.entry("methods/sft", new SupervisedCases()),
                            Map.entry("methods/train", new TrainCases()),
                            Map.entry("methods/grpo", new GroupCases()),
                            Map.entry("methods/distill", new DistillationCases()),
                            Map.entry("methods/kto", new KtoCases()),
                            Map.entry("methods/reward", new RewardCases()),
                            Map.entry("methods/ppo", new PpoCases()),
                            Map.entry("methods/refless", new ReferenceFreeCases())));

    private CaseGroups() {}

    /// The runner of a group.
    static CaseRunner of(String group) {
        CaseRunner runner = RUNNERS.get(group);
        if (runner == null) {
            throw new UnsupportedCaseException(
                    "no runner for group '%s' (there are: %s)"
                            .formatted(group, String.join(", ", RUNNERS.keySet())));
        }
        return runner;
    }
}
