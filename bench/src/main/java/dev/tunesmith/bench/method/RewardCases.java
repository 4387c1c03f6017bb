package dev.tunesmith.bench.method;

import dev.tunesmith.bench.golden.CaseRunner;
import dev.tunesmith.bench.golden.Comparison;
import dev.tunesmith.bench.golden.GoldenCase;
import dev.tunesmith.bench.golden.GoldenTensors;
import dev.tunesmith.bench.golden.Tolerance;
import dev.tunesmith.bench.golden.UnsupportedCaseException;
import dev.tunesmith.contracts.method.MethodSettings;
import dev.tunesmith.engine.data.Sample;
import dev.tunesmith.engine.data.TokenBatch;
import dev.tunesmith.engine.model.ScoreHead;
import dev.tunesmith.engine.nn.Parameter;
import dev.tunesmith.engine.objective.Policy;
import dev.tunesmith.engine.objective.RewardObjective;
import dev.tunesmith.engine.tape.CheckpointPolicy;
import dev.tunesmith.engine.tape.Tape;
import dev.tunesmith.engine.tensor.Region;
import dev.tunesmith.engine.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/// Reward models: scores, loss and gradients, with either kind of head.
public final class RewardCases implements CaseRunner {

    @Override
    public void run(GoldenCase golden, Comparison comparison) {
        GoldenTensors file = golden.tensors("tensors.safetensors").orElseThrow();
        MethodRows rows = rows(file);
        try (MethodRun run = new MethodRun(golden, golden)) {
            Policy policy = run.policy();
            ScoreHead head = head(golden, run, policy);
            head.parameters().forEach(parameter -> parameter.train(run.region()));
            var settings = new MethodSettings.Reward(golden.number("parameters.center", 0));
            run.compare(
                    new RewardObjective(policy, head, settings), List.of(rows.batch()), comparison);
            for (Parameter parameter : head.parameters()) {
                comparison.golden(
                        "gradient of " + parameter.name(),
                        parameter.gradient().toFloats(),
                        file,
                        "grad/" + parameter.name(),
                        golden.tolerance("gradients"));
            }
            compareValues(run, head, rows, file, comparison);
        }
    }

    private static ScoreHead head(GoldenCase golden, MethodRun run, Policy policy) {
        return golden.file(ScoreHead.FILE)
                .map(path -> ScoreHead.load(path, run.region()))
                .or(() -> ScoreHead.of(policy.model(), run.region()))
                .orElseThrow(() -> new UnsupportedCaseException("the case has no score head"));
    }

    private static MethodRows rows(GoldenTensors file) {
        MethodRows rows = MethodRows.pairs(file, "");
        float[] margins = file.floats("margin").orElse(new float[rows.documents().size() / 2]);
        List<Sample> documents = new ArrayList<>();
        for (int d = 0; d < rows.documents().size(); d++) {
            documents.add(rows.documents().get(d).withValue(margins[d / 2]));
        }
        return new MethodRows(documents, rows.rows(), rows.begins(), rows.width());
    }

    private static void compareValues(
            MethodRun run,
            ScoreHead head,
            MethodRows rows,
            GoldenTensors file,
            Comparison comparison) {
        TokenBatch batch = rows.batch();
        double[] values;
        try (Region step = run.arena().open("golden values")) {
            Tape silent = Tape.silent(run.arena(), step);
            Tensor hidden_ND =
                    run.policy().model().forward(silent, batch, CheckpointPolicy.keepAll());
            values = head.values(silent, hidden_ND, IntStream.range(0, batch.tokens()).toArray());
        }
        float[] scores = new float[batch.documents()];
        float[] table = new float[batch.documents() * rows.width()];
        for (int d = 0; d < batch.documents(); d++) {
            int from = batch.cuSeqlens_D1()[d];
            int to = batch.cuSeqlens_D1()[d + 1];
            int row = rows.rows().get(d);
            scores[row] = (float) values[to - 1];
            for (int n = from; n < to; n++) {
                table[row * rows.width() + rows.begins().get(d) + n - from] = (float) values[n];
            }
        }
        Tolerance tolerance = new Tolerance(2e-5, 2e-5, 0);
        comparison.golden("scores", scores, file, "scores", tolerance);
        file.floats("values")
                .ifPresent(expected -> {
                    // Positions behind the last token hold whatever padding gives.
                    for (int i = 0; i < expected.length; i++) {
                        expected[i] = table[i] == 0 ? 0 : expected[i];
                    }
                    comparison.tensor("values", table, expected, tolerance);
                });
    }
}
