package dev.tunesmith.bench.verify;

import dev.tunesmith.bench.golden.Comparison;
import dev.tunesmith.bench.golden.GoldenCase;
import dev.tunesmith.bench.golden.GoldenTensors;
import dev.tunesmith.bench.golden.Tolerance;
import dev.tunesmith.bench.golden.UnsupportedCaseException;
import dev.tunesmith.contracts.job.Curve;
import dev.tunesmith.engine.loop.LearningRate;
import dev.tunesmith.engine.ops.GradientNorm;
import dev.tunesmith.engine.tensor.Region;
import dev.tunesmith.engine.tensor.Tensor;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/// Groups below `optim`: learning rates and clipping.
final class OptimizerCases {

    private OptimizerCases() {}

    /// Group `optim/schedules`: the rate of every step.
    static void schedules(GoldenCase golden, Comparison comparison) {
        List<?> values = golden.list("values");
        LearningRate rate = rate(golden);
        var tolerance = new Tolerance(1e-300, golden.number("tolerance.rtol", 0), 0);
        for (int step = 0; step < values.size(); step++) {
            comparison.number(
                    "rate of step " + step,
                    rate.at(step),
                    ((Number) values.get(step)).doubleValue(),
                    tolerance);
        }
    }

    private static LearningRate rate(GoldenCase golden) {
        String name =
                golden.text("parameters.name", "").replace("constant_with_warmup", "constant");
        boolean known =
                Arrays.stream(Curve.Kind.values()).anyMatch(kind -> kind.wire().equals(name));
        if (!known) {
            throw new UnsupportedCaseException("schedule '%s'".formatted(name));
        }
        double peak = golden.number("parameters.lr", 0);
        int warmup = (int) golden.number("parameters.warmup", 0);
        double stable = golden.number("parameters.kwargs.num_stable_steps", -1);
        double decay = golden.number("parameters.kwargs.num_decay_steps", 0);
        double total =
                stable < 0
                        ? golden.number("parameters.total", golden.list("values").size())
                        : warmup + stable + decay;
        return new LearningRate(Curve.of(curve(golden, name, peak)), peak, warmup, (int) total);
    }

    /// The numbers of transformers by our names, with its defaults.
    private static Map<String, Object> curve(GoldenCase golden, String name, double peak) {
        String of = "parameters.kwargs.";
        double floor =
                switch (name) {
                    case "polynomial" -> golden.number(of + "lr_end", 1e-7) / peak;
                    case "warmup_stable_decay" -> golden.number(of + "min_lr_ratio", 0);
                    default ->
                            golden.number(
                                    of + "min_lr_rate", golden.number(of + "min_lr", 0) / peak);
                };
        var tree = new HashMap<String, Object>();
        tree.put("type", name);
        tree.put("cycles", golden.number(of + "num_cycles", 1));
        tree.put("power", golden.number(of + "power", 1));
        tree.put("decay_steps", golden.number(of + "num_decay_steps", 0));
        tree.put("decay", golden.text(of + "decay_type", "cosine"));
        tree.put("timescale", golden.number(of + "timescale", 0));
        tree.put("min_ratio", floor);
        return tree;
    }

    /// Group `optim/clip`: the norm of all gradients and what clipping makes of them.
    static void clip(GoldenCase golden, Comparison comparison) {
        GoldenTensors tensors = golden.tensors("tensors.safetensors").orElseThrow();
        List<String> names =
                tensors.names().stream().filter(name -> name.startsWith("grad/")).toList();
        try (Region region = Region.lasting("golden gradients")) {
            List<Tensor> gradients =
                    names.stream()
                            .map(name -> {
                                float[] values = tensors.floats(name).orElseThrow();
                                return region.floats(values, values.length);
                            })
                            .toList();
            var norm = new GradientNorm(gradients, region);
            double measured = norm.measure(gradients, golden.number("parameters.max_norm", 0));
            comparison.number(
                    "norm",
                    measured,
                    golden.number("norm", 0),
                    new Tolerance(1e-30, golden.number("tolerance.norm.rtol", 0), 0));
            float factor = norm.factor().toFloats()[0];
            for (int i = 0; i < names.size(); i++) {
                float[] clipped = gradients.get(i).toFloats();
                for (int at = 0; at < clipped.length; at++) {
                    clipped[at] *= factor;
                }
                String name = names.get(i).replaceFirst("grad/", "clipped/");
                comparison.golden(
                        name,
                        clipped,
                        tensors,
                        name,
                        new Tolerance(1e-30, golden.number("tolerance.clipped.rtol", 0), 0));
            }
        }
    }
}
