package dev.tunesmith.bench.verify;

import dev.tunesmith.bench.golden.CaseRunner;
import dev.tunesmith.bench.golden.Comparison;
import dev.tunesmith.bench.golden.GoldenCase;
import dev.tunesmith.bench.golden.GoldenTensors;
import dev.tunesmith.bench.golden.Tolerance;
import dev.tunesmith.engine.data.Pictures;
import dev.tunesmith.engine.data.TokenBatch;
import dev.tunesmith.engine.io.ModelDirectory;
import dev.tunesmith.engine.model.Decoder;
import dev.tunesmith.engine.nn.Head;
import dev.tunesmith.engine.nn.Parameter;
import dev.tunesmith.engine.tape.CheckpointPolicy;
import dev.tunesmith.engine.tensor.DType;
import dev.tunesmith.engine.tensor.Region;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/// Group `families`: a tiny checkpoint and what the reference computes with it.
final class FamilyCases implements CaseRunner {

    /// A bf16 run may be this much worse than the reference's own bf16 run: another order of
    /// rounding, not another formula.
    private static final double BF16_ROOM = 2;

    @Override
    public void run(GoldenCase golden, Comparison comparison) {
        ModelDirectory directory = ModelDirectory.open(golden.folder().resolve("model"));
        try (ModelRun run =
                        new ModelRun(Decoder.load(directory, DType.F32, Decoder.Loading.WRITABLE));
                Region region = Region.lasting("gradients")) {
            run.decoder().trainAll(region);
            golden.tensors("batch.safetensors")
                    .ifPresent(file -> {
                        TokenBatch batch = batch(file, run);
                        pictures(file, run, batch, comparison);
                        forward(golden, run, batch, comparison);
                        gradients(golden, run, batch, comparison);
                    });
            mixture(golden, run, comparison);
            golden.tensors("packed.safetensors")
                    .ifPresent(file -> packed(golden, run, file, comparison));
            golden.tensors("generation.safetensors")
                    .ifPresent(file -> generation(golden, run, file, comparison));
        }
        bf16(golden, directory, comparison);
    }

    /// Our own way from bytes to patches.
    private static void pictures(
            GoldenTensors file, ModelRun run, TokenBatch batch, Comparison comparison) {
        GoldenPictures.read(file, run.decoder().architecture())
                .ifPresent(own -> {
                    double worst = Double.POSITIVE_INFINITY;
                    float[] expected = batch.pictures().values();
                    if (own.values().length == expected.length) {
                        worst = 0;
                        for (int i = 0; i < expected.length; i++) {
                            worst = Math.max(worst, Math.abs(own.values()[i] - expected[i]));
                        }
                    }
                    comparison.number("pixel values", worst, 0, Tolerance.absolute(1e-5));
                });
    }

    private static TokenBatch batch(GoldenTensors file, ModelRun run) {
        return Batches.padded(file, "").with(GoldenPictures.of(file, run.decoder().architecture()));
    }

    private static void forward(
            GoldenCase golden, ModelRun run, TokenBatch batch, Comparison comparison) {
        ModelRun.Forward forward = run.forward(batch);
        golden.tensors("expected.safetensors")
                .ifPresent(expected -> {
                    comparison.golden(
                            "logits",
                            forward.logits(),
                            expected,
                            "logits",
                            golden.tolerance("logits"));
                    losses(golden, run.loss(batch), expected, comparison);
                });
        golden.tensors("hidden.safetensors")
                .ifPresent(expected -> {
                    for (int i = 0; i < forward.hidden().size(); i++) {
                        comparison.golden(
                                "hidden_" + i,
                                forward.hidden().get(i),
                                expected,
                                "hidden_" + i,
                                golden.tolerance("hidden"));
                    }
                });
    }

    /// The auxiliary loss of routers, alone and in the gradients of the whole.
    private static void mixture(GoldenCase golden, ModelRun run, Comparison comparison) {
        if (golden.file("moe.safetensors").isEmpty()) {
            return;
        }
        GoldenTensors expected = golden.tensors("moe.safetensors").orElseThrow();
        TokenBatch batch = batch(golden.tensors("batch.safetensors").orElseThrow(), run);
        double coefficient = golden.number("moe.coefficient", 0);
        run.decoder().trainable().forEach(Parameter::clearGradient);
        run.decoder().routing().weigh(coefficient);
        Head.Losses losses = run.lossAndGradients(batch, CheckpointPolicy.recomputeAll());
        double auxiliary = run.decoder().routing().loss();
        run.decoder().routing().weigh(0);
        double total = losses.weighted() / batch.weightSum() + coefficient * auxiliary;
        Tolerance tolerance = golden.tolerance("loss");
        expected.number("aux_loss")
                .ifPresent(aux -> comparison.number("aux_loss", auxiliary, aux, tolerance));
        expected.number("total_loss")
                .ifPresent(sum -> comparison.number("total_loss", total, sum, tolerance));
        for (Parameter parameter : run.decoder().trainable()) {
            comparison.golden(
                    "gradient of the total loss for " + parameter.name(),
                    parameter.gradient().toFloats(),
                    expected,
                    "grad_total." + parameter.name(),
                    golden.tolerance("gradients"));
        }
    }

    private static void losses(
            GoldenCase golden, Head.Losses losses, GoldenTensors expected, Comparison comparison) {
        Tolerance tolerance = golden.tolerance("loss");
        int tokens = losses.losses_M().length;
        expected.number("loss_sum")
                .ifPresent(sum -> comparison.number("loss_sum", losses.weighted(), sum, tolerance));
        expected.number("loss_mean")
                .ifPresent(mean ->
                        comparison.number(
                                "loss_mean", losses.weighted() / tokens, mean, tolerance));
        // Single tokens are as exact as the logits that they come from.
        comparison.golden(
                "token_nll", losses.losses_M(), expected, "token_nll", golden.tolerance("logits"));
    }

    private static void gradients(
            GoldenCase golden, ModelRun run, TokenBatch batch, Comparison comparison) {
        golden.tensors("gradients.safetensors")
                .ifPresent(expected -> gradients(golden, run, batch, expected, comparison));
    }

    private static void gradients(
            GoldenCase golden,
            ModelRun run,
            TokenBatch batch,
            GoldenTensors expected,
            Comparison comparison) {
        Set<String> zero =
                golden.list("zero_gradient_tensors").stream()
                        .map(Object::toString)
                        .collect(Collectors.toSet());
        Map<String, float[]> kept = new HashMap<>();
        for (CheckpointPolicy policy :
                List.of(CheckpointPolicy.keepAll(), CheckpointPolicy.recomputeAll())) {
            run.decoder().trainable().forEach(Parameter::clearGradient);
            Head.Losses _ = run.lossAndGradients(batch, policy);
            for (Parameter parameter : run.decoder().trainable()) {
                float[] gradient = parameter.gradient().toFloats();
                float[] before = kept.putIfAbsent(parameter.name(), gradient);
                if (before != null) {
                    comparison.equal(
                            "recomputed gradient of " + parameter.name(),
                            Arrays.equals(before, gradient),
                            true);
                }
                Tolerance tolerance =
                        zero.contains(parameter.name())
                                ? Tolerance.absolute(1e-5)
                                : golden.tolerance("gradients");
                comparison.golden(
                        "gradient of " + parameter.name(),
                        gradient,
                        expected,
                        parameter.name(),
                        tolerance);
            }
        }
        missing(run, expected, comparison);
    }

    private static void missing(ModelRun run, GoldenTensors expected, Comparison comparison) {
        for (String name : expected.names()) {
            if (run.decoder().parameter(name).isEmpty()) {
                comparison.fail("no gradient of %s is computed".formatted(name));
            }
        }
    }

    private static void packed(
            GoldenCase golden, ModelRun run, GoldenTensors file, Comparison comparison) {
        TokenBatch batch = Batches.packed(file);
        comparison.golden(
                "packed logits",
                run.forward(batch).logits(),
                file,
                "logits",
                golden.tolerance("logits"));
        List<Parameter> parameters = run.decoder().trainable();
        parameters.forEach(Parameter::clearGradient);
        Head.Losses losses = run.lossAndGradients(batch, CheckpointPolicy.keepAll());
        double squares = 0;
        for (Parameter parameter : parameters) {
            for (float value : parameter.gradient().toFloats()) {
                squares += (double) value * value;
            }
        }
        double norm = Math.sqrt(squares);
        file.number("loss_mean")
                .ifPresent(mean ->
                        comparison.number(
                                "packed loss",
                                losses.weighted() / batch.weightSum(),
                                mean,
                                golden.tolerance("loss")));
        file.number("gradient_norm")
                .ifPresent(expected ->
                        comparison.number(
                                "packed gradient norm",
                                norm,
                                expected,
                                golden.tolerance("gradients")));
    }

    private static void generation(
            GoldenCase golden, ModelRun run, GoldenTensors file, Comparison comparison) {
        // Some caches keep keys that were turned for a shorter text; ours never differ from none.
        boolean stale = file.names().contains("no_cache_step_logits");
        int[] expected = file.integers(stale ? "no_cache_generated_ids" : "generated_ids");
        String steps = stale ? "no_cache_step_logits" : "step_logits";
        Pictures pictures =
                golden.tensors("batch.safetensors")
                        .map(batch -> GoldenPictures.of(batch, run.decoder().architecture()))
                        .orElse(Pictures.NONE);
        ModelRun.Generation generation =
                run.generate(file.integers("prompt_ids"), pictures, expected.length);
        comparison.equal(
                "generated ids", generation.ids(), Arrays.stream(expected).boxed().toList());
        // The compact form keeps the last steps only.
        float[] logits = generation.logits();
        int kept = (int) Arrays.stream(file.shape(steps)).reduce(1, (a, b) -> a * b);
        comparison.golden(
                "generation logits",
                Arrays.copyOfRange(logits, Math.max(0, logits.length - kept), logits.length),
                file,
                steps,
                golden.tolerance("logits"));
    }

    /// The bf16 run is compared with the fp32 logits: its error may be as large as the reference's
    /// own bf16 error, with some room.
    private static void bf16(GoldenCase golden, ModelDirectory directory, Comparison comparison) {
        if (golden.file("bf16.safetensors").isEmpty()
                || golden.file("batch.safetensors").isEmpty()
                || golden.file("expected.safetensors").isEmpty()) {
            return;
        }
        float[] exact =
                golden.tensors("expected.safetensors")
                        .flatMap(file -> file.floats("logits"))
                        .orElse(new float[0]);
        try (ModelRun run =
                new ModelRun(Decoder.load(directory, DType.BF16, Decoder.Loading.MAPPED))) {
            TokenBatch batch = batch(golden.tensors("batch.safetensors").orElseThrow(), run);
            float[] logits = run.forward(batch).logits();
            double sum = 0;
            double largest = 0;
            for (int i = 0; i < exact.length; i++) {
                double error = Math.abs((double) logits[i] - exact[i]);
                sum += error;
                largest = Math.max(largest, error);
            }
            comparison.number(
                    "bf16 mean logit error",
                    sum / Math.max(1, exact.length),
                    0,
                    Tolerance.absolute(golden.number("bf16.mean_logit_error", 0) * BF16_ROOM));
            comparison.number(
                    "bf16 largest logit error",
                    largest,
                    0,
                    Tolerance.absolute(golden.number("bf16.largest_logit_error", 0) * BF16_ROOM));
        }
    }
}
