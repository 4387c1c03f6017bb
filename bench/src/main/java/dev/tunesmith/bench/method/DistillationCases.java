package dev.tunesmith.bench.method;

import dev.tunesmith.bench.golden.CaseRunner;
import dev.tunesmith.bench.golden.Comparison;
import dev.tunesmith.bench.golden.GoldenCase;
import dev.tunesmith.engine.data.TokenBatch;
import dev.tunesmith.engine.objective.Distillation;
import java.util.List;

/// Learning from a teacher's distributions.
public final class DistillationCases implements CaseRunner {

    @Override
    public void run(GoldenCase golden, Comparison comparison) {
        MethodRows rows = MethodRows.labelled(golden.tensors("tensors.safetensors").orElseThrow());
        try (MethodRun run = new MethodRun(golden, golden)) {
            double temperature = golden.number("parameters.temperature", 1);
            double mix = golden.number("parameters.mix", 1);
            boolean mixed = golden.find("parameters.mix") instanceof Number;
            var settings =
                    new Distillation.Settings(
                            golden.number("parameters.beta", 0.5),
                            temperature,
                            1 - mix,
                            mixed ? mix * temperature * temperature : 1,
                            false);
            TokenBatch batch = rows.batch();
            run.compare(
                    new Distillation(run.policy(), run.frozen("teacher"), settings),
                    List.of(batch),
                    golden.number("parameters.items", batch.weightSum()),
                    comparison);
        }
    }
}
