package dev.tunesmith.bench.method;

import dev.tunesmith.bench.golden.CaseRunner;
import dev.tunesmith.bench.golden.Comparison;
import dev.tunesmith.bench.golden.GoldenCase;
import dev.tunesmith.bench.golden.GoldenTensors;
import dev.tunesmith.bench.golden.UnsupportedCaseException;
import dev.tunesmith.contracts.method.MethodSettings.Supervised;
import dev.tunesmith.contracts.method.Reference;
import dev.tunesmith.contracts.method.TokenLoss;
import dev.tunesmith.engine.data.TokenBatch;
import dev.tunesmith.engine.objective.Distillation;
import dev.tunesmith.engine.objective.Objective;
import dev.tunesmith.engine.objective.TokenObjective;
import java.util.ArrayList;
import java.util.List;

/// Supervised tuning: which tokens count, how much, and what their loss is divided by.
public final class SupervisedCases implements CaseRunner {

    private static final String LOG_PROBS = "token_log_probs";

    @Override
    public void run(GoldenCase golden, Comparison comparison) {
        GoldenTensors file = golden.tensors("tensors.safetensors").orElseThrow();
        MethodRows rows = MethodRows.labelled(file);
        try (MethodRun run = new MethodRun(golden, golden)) {
            float[] found =
                    rows.table(
                            MethodRun.wide(
                                    run.scores(run.policy().model(), rows.batch()).logProbs_M()));
            comparison.golden(LOG_PROBS, found, file, LOG_PROBS, golden.tolerance("log_probs"));
            List<TokenBatch> parts = parts(golden, rows);
            double labels = parts.stream().mapToDouble(TokenBatch::weightSum).sum();
            run.compare(
                    objective(golden, run),
                    parts,
                    golden.number("parameters.items", labels),
                    comparison);
        }
    }

    private static List<TokenBatch> parts(GoldenCase golden, MethodRows rows) {
        List<TokenBatch> parts = new ArrayList<>();
        for (Object range : golden.list("parameters.micro_batches")) {
            List<?> ends = (List<?>) range;
            parts.add(
                    rows.batch(
                            ((Number) ends.get(0)).intValue(), ((Number) ends.get(1)).intValue()));
        }
        return parts.isEmpty() ? List.of(rows.batch()) : parts;
    }

    private static Objective objective(GoldenCase golden, MethodRun run) {
        boolean anchored = golden.text("parameters.loss", "").equals("asft");
        double price = golden.number("parameters.alpha", 0.1);
        return anchored
                ? new Distillation(
                        run.policy(),
                        run.reference(),
                        new Distillation.Settings(0, 1, 1, price, true))
                : new TokenObjective(run.policy(), settings(golden));
    }

    private static Supervised settings(GoldenCase golden) {
        String name = golden.text("parameters.loss", TokenLoss.NLL.wire());
        TokenLoss loss;
        try {
            loss = TokenLoss.of(name);
        } catch (IllegalArgumentException _) {
            throw new UnsupportedCaseException("loss '%s'".formatted(name));
        }
        return new Supervised(
                loss,
                golden.number("parameters.label_smoothing", 0),
                golden.number("parameters.alpha", 1),
                0,
                false,
                0.1,
                Reference.START);
    }
}
