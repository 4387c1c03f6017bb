package dev.tunesmith.bench.verify;

import dev.tunesmith.bench.golden.Comparison;
import dev.tunesmith.bench.golden.GoldenCase;
import dev.tunesmith.bench.golden.GoldenTensors;
import dev.tunesmith.bench.golden.Tolerance;
import dev.tunesmith.bench.golden.UnsupportedCaseException;
import dev.tunesmith.engine.data.TokenBatch;
import dev.tunesmith.engine.io.ModelDirectory;
import dev.tunesmith.engine.model.Decoder;
import dev.tunesmith.engine.nn.Head;
import dev.tunesmith.engine.nn.Parameter;
import dev.tunesmith.engine.optim.Optimizer;
import dev.tunesmith.engine.optim.ParameterGroup;
import dev.tunesmith.engine.optim.Rule;
import dev.tunesmith.engine.tape.CheckpointPolicy;
import dev.tunesmith.engine.tensor.DType;
import dev.tunesmith.engine.tensor.Region;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Full fine-tuning, one batch a step.
final class FullTraining {

    private static final Pattern DECAY = Pattern.compile("weight decay ([0-9.e-]+)");

    private final GoldenCase golden;
    private final ModelDirectory directory;
    private final Comparison comparison;

    FullTraining(GoldenCase golden, ModelDirectory directory, Comparison comparison) {
        this.golden = golden;
        this.directory = directory;
        this.comparison = comparison;
    }

    void run() {
        GoldenTensors batches = golden.tensors("batches.safetensors").orElseThrow();
        GoldenTensors expected = golden.tensors("training.safetensors").orElseThrow();
        float[] rates =
                expected.floats("learning_rates")
                        .orElseThrow(() -> new UnsupportedCaseException("no learning rates"));
        try (ModelRun run =
                        new ModelRun(Decoder.load(directory, DType.F32, Decoder.Loading.WRITABLE));
                Region region = Region.lasting("full training")) {
            run.decoder().trainAll(region);
            List<ParameterGroup> groups =
                    ParameterGroup.byDecay(run.decoder().trainable(), decay());
            compareDecayed(groups);
            double clip = golden.number("training.clip", 0);
            Optimizer optimizer = Optimizer.of(groups, Rule.AdamW.USUAL, clip, region);
            float[] losses = new float[rates.length + 1];
            float[] norms = new float[rates.length];
            for (int step = 0; step < rates.length; step++) {
                TokenBatch batch = Batches.padded(batches, "step%d.".formatted(step));
                Head.Losses result = run.lossAndGradients(batch, CheckpointPolicy.keepAll());
                losses[step] = (float) (result.weighted() / batch.weightSum());
                norms[step] = (float) optimizer.step(rates[step]).gradientNorm();
            }
            TokenBatch first = Batches.padded(batches, "step0.");
            losses[rates.length] = (float) (run.loss(first).weighted() / first.weightSum());
            Tolerance tolerance = golden.tolerance("training_losses");
            comparison.golden("training losses", losses, expected, "losses", tolerance);
            comparison.golden("gradient norms", norms, expected, "gradient_norms", normTolerance());
            compareWeights(run, expected);
        }
    }

    /// Norms of later steps carry the rounding of earlier ones.
    private Tolerance normTolerance() {
        return new Tolerance(
                golden.number("tolerance.training_losses.abs", 0),
                golden.number("tolerance.gradients.of_largest", 0),
                0);
    }

    private double decay() {
        Matcher matcher = DECAY.matcher(golden.text("training.optimizer", ""));
        return golden.number(
                "training.weight_decay", matcher.find() ? Double.parseDouble(matcher.group(1)) : 0);
    }

    private void compareDecayed(List<ParameterGroup> groups) {
        if (golden.list("training.decayed").isEmpty()) {
            return;
        }
        Set<Object> decayed = new HashSet<>();
        groups.stream()
                .filter(group -> group.decay() > 0)
                .flatMap(group -> group.parameters().stream())
                .map(Parameter::name)
                .forEach(decayed::add);
        comparison.equal(
                "decayed tensors", decayed, new HashSet<>(golden.list("training.decayed")));
    }

    private void compareWeights(ModelRun run, GoldenTensors training) {
        golden.tensors("final.safetensors")
                .ifPresent(expected -> {
                    for (Parameter parameter : run.decoder().trainable()) {
                        String name = parameter.name();
                        comparison.golden(
                                "trained " + name,
                                parameter.value().toFloats(),
                                expected,
                                name,
                                golden.tolerance("final"),
                                training.marks("unstable." + name));
                    }
                });
    }
}
