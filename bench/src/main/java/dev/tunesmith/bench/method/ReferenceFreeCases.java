package dev.tunesmith.bench.method;

import dev.tunesmith.bench.golden.CaseRunner;
import dev.tunesmith.bench.golden.Comparison;
import dev.tunesmith.bench.golden.GoldenCase;
import dev.tunesmith.bench.golden.GoldenTensors;
import dev.tunesmith.bench.golden.UnsupportedCaseException;
import dev.tunesmith.contracts.method.Method;
import dev.tunesmith.contracts.method.MethodSettings.ReferenceFree;
import dev.tunesmith.contracts.method.MethodSettings.ReferenceFree.Loss;
import dev.tunesmith.contracts.method.MethodSettings.ReferenceFree.Nll;
import dev.tunesmith.engine.objective.ReferenceFreeObjective;
import java.util.List;
import java.util.Locale;

/// ORPO, CPO and SimPO, and the batches they are computed on.
public final class ReferenceFreeCases implements CaseRunner {

    private static final String ALL = "policy_token_log_probs_all_positions";

    @Override
    public void run(GoldenCase golden, Comparison comparison) {
        boolean isBatch = golden.text("batch", "").isEmpty();
        GoldenCase batch = isBatch ? golden : MethodRun.batchOf(golden);
        GoldenTensors file = batch.tensors("tensors.safetensors").orElseThrow();
        try (MethodRun run = new MethodRun(golden, batch)) {
            if (isBatch) {
                MethodRows rows = MethodRows.pairs(file, "completion_mask", -1);
                float[] found =
                        rows.table(
                                MethodRun.wide(
                                        run.scores(run.frozen("policy"), rows.batch())
                                                .logProbs_M()));
                comparison.golden(ALL, found, file, ALL, golden.tolerance("log_probs"));
                return;
            }
            ReferenceFree settings = settings(golden);
            float context = settings.nll() == Nll.FULL ? -1 : 0;
            MethodRows rows = MethodRows.pairs(file, "completion_mask", context);
            run.compare(
                    new ReferenceFreeObjective(run.policy(), settings),
                    List.of(rows.batch()),
                    comparison);
        }
    }

    private static ReferenceFree settings(GoldenCase golden) {
        boolean orpo = golden.text("parameters.loss", "").equals("orpo");
        Loss loss;
        try {
            loss = Loss.valueOf(golden.text("parameters.loss", "").toUpperCase(Locale.ROOT));
        } catch (IllegalArgumentException _) {
            throw new UnsupportedCaseException(
                    "loss '%s'".formatted(golden.text("parameters.loss", "")));
        }
        Nll nll =
                switch (golden.text("parameters.nll", orpo ? "full" : "response")) {
                    case "full" -> Nll.FULL;
                    case "response_mean_of_rows" -> Nll.ROWS;
                    default -> Nll.RESPONSE;
                };
        return new ReferenceFree(
                orpo ? Method.ORPO : Method.CPO,
                loss,
                golden.number("parameters.beta", 0.1),
                golden.number("parameters.label_smoothing", 0),
                orpo ? 1 : golden.number("parameters.cpo_alpha", 1),
                nll,
                golden.number("parameters.gamma", 0.5),
                golden.number("parameters.alpha", 0));
    }
}
