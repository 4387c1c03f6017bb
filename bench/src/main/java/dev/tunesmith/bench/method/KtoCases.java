package dev.tunesmith.bench.method;

import dev.tunesmith.bench.golden.CaseRunner;
import dev.tunesmith.bench.golden.Comparison;
import dev.tunesmith.bench.golden.GoldenCase;
import dev.tunesmith.bench.golden.GoldenTensors;
import dev.tunesmith.bench.golden.Tolerance;
import dev.tunesmith.bench.golden.UnsupportedCaseException;
import dev.tunesmith.contracts.method.MethodSettings.Kto;
import dev.tunesmith.contracts.method.Reference;
import dev.tunesmith.engine.data.Sample;
import dev.tunesmith.engine.data.TokenBatch;
import dev.tunesmith.engine.objective.KtoObjective;
import dev.tunesmith.engine.objective.Mismatched;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/// KTO on single answers with verdicts, and the batches it is computed on.
public final class KtoCases implements CaseRunner {

    @Override
    public void run(GoldenCase golden, Comparison comparison) {
        boolean isBatch = golden.text("batch", "").isEmpty();
        GoldenCase batch = isBatch ? golden : MethodRun.batchOf(golden);
        GoldenTensors file = batch.tensors("tensors.safetensors").orElseThrow();
        MethodRows rows = rows(file);
        try (MethodRun run = new MethodRun(golden, batch)) {
            if (isBatch) {
                compareBatch(golden, run, rows, file, comparison);
            } else {
                run.compare(
                        new KtoObjective(run.policy(), run.reference(), settings(golden)),
                        List.of(rows.batch()),
                        comparison);
            }
        }
    }

    private static MethodRows rows(GoldenTensors file) {
        MethodRows rows = MethodRows.plain(file, "", "completion_mask");
        int[] verdicts = file.integers("label");
        List<Sample> judged = new ArrayList<>();
        for (int d = 0; d < rows.documents().size(); d++) {
            judged.add(rows.documents().get(d).withValue(verdicts[d]));
        }
        return new MethodRows(judged, rows.rows(), rows.begins(), rows.width());
    }

    private static void compareBatch(
            GoldenCase golden,
            MethodRun run,
            MethodRows rows,
            GoldenTensors file,
            Comparison comparison) {
        run.compareScores(rows, comparison);
        MethodRows mismatched = MethodRows.plain(file, "kl_", "kl_completion_mask");
        TokenBatch own = Mismatched.of(List.of(rows.batch())).getFirst();
        TokenBatch theirs = mismatched.batch();
        comparison.equal(
                "mismatched tokens", Arrays.hashCode(own.ids_N()), Arrays.hashCode(theirs.ids_N()));
        comparison.equal(
                "labels of mismatched rows",
                Arrays.hashCode(own.labels_N()),
                Arrays.hashCode(theirs.labels_N()));
        double[] policy = MethodRun.wide(run.scores(run.frozen("policy"), own).logProbs_M());
        double[] reference = MethodRun.wide(run.scores(run.reference(), own).logProbs_M());
        Tolerance tolerance = golden.tolerance("log_probs");
        for (String name : List.of("policy", "reference")) {
            String tensor = "kl_" + name + "_token_log_probs";
            double[] found = name.equals("policy") ? policy : reference;
            comparison.golden(tensor, mismatched.table(found), file, tensor, tolerance);
        }
        double distance = Arrays.stream(policy).sum() - Arrays.stream(reference).sum();
        comparison.number(
                "kl_estimate_before_clamp",
                distance / own.documents(),
                golden.number("kl_estimate_before_clamp", 0),
                new Tolerance(2e-5, 2e-5, 0));
    }

    static Kto settings(GoldenCase golden) {
        String name = golden.text("parameters.loss", Kto.USUAL.variant().wire());
        Kto.Variant loss;
        try {
            loss = Kto.Variant.valueOf(name.toUpperCase(Locale.ROOT));
        } catch (IllegalArgumentException _) {
            throw new UnsupportedCaseException("loss '%s'".formatted(name));
        }
        return new Kto(
                loss,
                golden.number("parameters.beta", Kto.USUAL.beta()),
                golden.number("parameters.desirable_weight", 1),
                golden.number("parameters.undesirable_weight", 1),
                Reference.START);
    }
}
