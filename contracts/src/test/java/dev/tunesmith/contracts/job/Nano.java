package dev.tunesmith.contracts.job;

import dev.tunesmith.contracts.data.DatasetStats;
import dev.tunesmith.contracts.fit.ModelFacts;

/// The small model and the rows that most jobs of these tests train.
final class Nano {
    static final ModelFacts NANO =
            new ModelFacts(
                    "LlamaForCausalLM",
                    8,
                    256,
                    8,
                    4,
                    32,
                    704,
                    8192,
                    true,
                    ModelFacts.Extras.NONE,
                    8_000_000,
                    1024);
    static final DatasetStats STATS = new DatasetStats(1000, 200_000, 100_000, 300, 180, 280, 5, 0);

    private Nano() {}
}
