package dev.tunesmith.bench.method;

import dev.tunesmith.bench.golden.CaseRunner;
import dev.tunesmith.bench.golden.Comparison;
import dev.tunesmith.bench.golden.GoldenCase;
import dev.tunesmith.bench.golden.UnsupportedCaseException;
import dev.tunesmith.contracts.method.Divergence;
import dev.tunesmith.contracts.method.MethodSettings;
import dev.tunesmith.contracts.method.MethodSettings.Preference;
import dev.tunesmith.contracts.method.PairLoss;
import dev.tunesmith.contracts.method.Reference;
import dev.tunesmith.engine.objective.Objective;
import dev.tunesmith.engine.objective.PreferenceObjective;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;

/// Losses on pairs with a reference (DPO and its family), and the batches they are computed on.
public final class PairCases implements CaseRunner {

    @Override
    public void run(GoldenCase golden, Comparison comparison) {
        if (golden.text("batch", "").isEmpty()) {
            try (MethodRun run = new MethodRun(golden, golden)) {
                run.compareScores(pairs(golden), comparison);
            }
            return;
        }
        GoldenCase batch = MethodRun.batchOf(golden);
        try (MethodRun run = new MethodRun(golden, batch)) {
            Preference settings = settings(golden);
            Objective objective =
                    new PreferenceObjective(run.policy(), Optional.of(run.reference()), settings);
            MethodRows rows = pairs(batch);
            run.compare(objective, List.of(rows.batch()), comparison);
            run.comparePerPair(objective, rows, comparison);
        }
    }

    /// The rows of a file, chosen and rejected side by side.
    static MethodRows pairs(GoldenCase batch) {
        return MethodRows.pairs(
                batch.tensors("tensors.safetensors").orElseThrow(), "completion_mask");
    }

    private static Preference settings(GoldenCase golden) {
        List<PairLoss> losses = new ArrayList<>();
        Object named = golden.find("parameters.loss");
        List<?> names = named instanceof List<?> list ? list : List.of(named);
        for (Object name : names) {
            losses.add(loss(String.valueOf(name)));
        }
        List<Double> weights = new ArrayList<>();
        for (Object weight : golden.list("parameters.weights")) {
            weights.add(((Number) weight).doubleValue());
        }
        Object ldAlpha = golden.find("parameters.ld_alpha");
        Preference usual = Preference.dpo(MethodSettings.Preference.BETA);
        return new Preference(
                golden.number("parameters.beta", usual.beta()),
                losses,
                weights.isEmpty() ? Collections.nCopies(losses.size(), 1.0) : weights,
                golden.number("parameters.label_smoothing", 0),
                Divergence.of(golden.text("parameters.f_divergence", usual.divergence().wire())),
                golden.number("parameters.alpha_coef", usual.alpha()),
                golden.number("parameters.tau", usual.tau()),
                ldAlpha instanceof Number number ? number.doubleValue() : null,
                Boolean.TRUE.equals(golden.find("parameters.wpo")),
                Boolean.TRUE.equals(golden.find("parameters.reference_free")),
                Reference.START);
    }

    private static PairLoss loss(String name) {
        try {
            return PairLoss.of(name);
        } catch (IllegalArgumentException _) {
            throw new UnsupportedCaseException("loss '%s'".formatted(name));
        }
    }
}
