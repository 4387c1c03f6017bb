package dev.tunesmith.bench.verify;

import dev.tunesmith.bench.golden.Comparison;
import dev.tunesmith.bench.golden.GoldenCase;
import dev.tunesmith.bench.golden.GoldenTensors;
import dev.tunesmith.bench.golden.Tolerance;
import dev.tunesmith.bench.golden.UnsupportedCaseException;
import dev.tunesmith.contracts.optim.Curve;
import dev.tunesmith.engine.loop.rate.LearningRate;
import dev.tunesmith.engine.loop.rate.Plateau;
import dev.tunesmith.engine.nn.Parameter;
import dev.tunesmith.engine.ops.GradientNorm;
import dev.tunesmith.engine.optim.ParameterGroup;
import dev.tunesmith.engine.tensor.DType;
import dev.tunesmith.engine.tensor.Region;
import dev.tunesmith.engine.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/// Groups below `optim`: learning rates, clipping and who decays.
final class OptimizerCases {

    private OptimizerCases() {}

    /// Group `optim/schedules`: the rate of every step.
    static void schedules(GoldenCase golden, Comparison comparison) {
        List<?> values = golden.list("values");
        if (!golden.list("metric_after_step").isEmpty()) {
            plateau(golden, comparison);
            return;
        }
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

    /// The one schedule that listens to evaluations.
    private static void plateau(GoldenCase golden, Comparison comparison) {
        List<?> metrics = golden.list("metric_after_step");
        var tolerance = new Tolerance(1e-300, golden.number("tolerance.rtol", 0), 0);
        String of = "parameters.kwargs.";
        var rules =
                new Plateau.Rules(
                        new Curve.Plateau(
                                golden.number(of + "factor", 0.1),
                                (int) golden.number(of + "patience", 10),
                                (int) golden.number(of + "cooldown", 0),
                                golden.number(of + "threshold", 1e-4)),
                        golden.number(of + "min_lr", 0),
                        golden.text(of + "mode", "min").equals("max"),
                        golden.text(of + "threshold_mode", "rel").equals("abs"));
        Plateau plateau = Plateau.start(golden.number("parameters.lr", 0));
        for (int step = 0; step < metrics.size(); step++) {
            comparison.number(
                    "rate of step " + step,
                    plateau.rate(),
                    ((Number) golden.list("values").get(step)).doubleValue(),
                    tolerance);
            plateau = plateau.after(((Number) metrics.get(step)).doubleValue(), rules);
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

    /// Group `optim/groups`: which parameters decay and how fast they learn.
    static void groups(GoldenCase golden, Comparison comparison) {
        switch (golden.text("parameters.kind", "")) {
            case "decay" -> decay(golden, comparison);
            case "loraplus" -> loraPlus(golden, comparison);
            default ->
                    throw new UnsupportedCaseException(
                            "groups of kind '%s'".formatted(golden.find("parameters.kind")));
        }
    }

    private static void decay(GoldenCase golden, Comparison comparison) {
        List<String> names = new ArrayList<>(names(golden.list("decay")));
        names.addAll(names(golden.list("no_decay")));
        try (Region region = Region.lasting("golden parameters")) {
            List<ParameterGroup> groups = ParameterGroup.byDecay(parameters(names, region), 0.1);
            for (ParameterGroup group : groups) {
                String key = group.decay() > 0 ? "decay" : "no_decay";
                comparison.equal(key, names(group), names(golden.list(key)));
            }
        }
    }

    private static void loraPlus(GoldenCase golden, Comparison comparison) {
        List<Map<?, ?>> expected =
                golden.list("groups").stream().<Map<?, ?>>map(group -> (Map<?, ?>) group).toList();
        List<String> names =
                expected.stream().flatMap(group -> names(of(group, "names")).stream()).toList();
        double rate = golden.number("parameters.lr", 0);
        double embeddingRate = golden.number("parameters.embedding_lr", 1e-6);
        try (Region region = Region.lasting("golden parameters")) {
            List<ParameterGroup> groups =
                    ParameterGroup.loraPlus(
                            parameters(names, region),
                            golden.number("parameters.weight_decay", 0),
                            golden.number("parameters.ratio", 1),
                            embeddingRate / rate);
            comparison.equal("number of groups", groups.size(), expected.size());
            for (int i = 0; i < groups.size(); i++) {
                ParameterGroup group = groups.get(i);
                Map<?, ?> wanted = expected.get(i);
                comparison.equal("names of group " + i, names(group), names(of(wanted, "names")));
                comparison.number(
                        "decay of group " + i,
                        group.decay(),
                        number(wanted, "weight_decay"),
                        new Tolerance(0, 0, 0));
                comparison.number(
                        "rate of group " + i,
                        rate * group.rateFactor(),
                        number(wanted, "lr"),
                        new Tolerance(0, 1e-12, 0));
            }
        }
    }

    private static double number(Map<?, ?> tree, String key) {
        return ((Number) Objects.requireNonNull(tree.get(key))).doubleValue();
    }

    private static List<?> of(Map<?, ?> tree, String key) {
        return tree.get(key) instanceof List<?> list ? list : List.of();
    }

    private static List<String> names(List<?> names) {
        return names.stream().map(String::valueOf).sorted().toList();
    }

    private static List<String> names(ParameterGroup group) {
        return group.parameters().stream().map(Parameter::name).sorted().toList();
    }

    /// Parameters of these names; only their names and ranks count.
    private static List<Parameter> parameters(List<String> names, Region region) {
        return names.stream()
                .map(name -> {
                    boolean vector = name.endsWith("bias") || name.contains("norm");
                    return new Parameter(
                            name,
                            vector ? region.zeros(DType.F32, 2) : region.zeros(DType.F32, 2, 2));
                })
                .toList();
    }
}
