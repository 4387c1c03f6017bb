package dev.tunesmith.bench.method;

import dev.tunesmith.bench.golden.Comparison;
import dev.tunesmith.bench.golden.GoldenCase;
import dev.tunesmith.bench.golden.GoldenTensors;
import dev.tunesmith.bench.golden.Tolerance;
import dev.tunesmith.engine.data.Sample;
import dev.tunesmith.engine.data.TokenBatch;
import dev.tunesmith.engine.io.ModelDirectory;
import dev.tunesmith.engine.model.Decoder;
import dev.tunesmith.engine.nn.Head;
import dev.tunesmith.engine.nn.Parameter;
import dev.tunesmith.engine.objective.LossSum;
import dev.tunesmith.engine.objective.Metrics;
import dev.tunesmith.engine.objective.Objective;
import dev.tunesmith.engine.objective.Policy;
import dev.tunesmith.engine.tape.CheckpointPolicy;
import dev.tunesmith.engine.tape.Tape;
import dev.tunesmith.engine.tensor.DType;
import dev.tunesmith.engine.tensor.Region;
import dev.tunesmith.engine.tensor.StepArena;
import dev.tunesmith.engine.tensor.Tensor;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/// The models of a training method's case, and the comparison of one step with what lies beside it.
final class MethodRun implements AutoCloseable {

    private static final String TENSORS = "tensors.safetensors";

    private final GoldenCase golden;
    private final GoldenCase batch;
    private final StepArena arena = StepArena.unlimited();
    private final Region region = Region.lasting("golden method");
    private final Map<String, Decoder> models = new LinkedHashMap<>();

    /// @param batch the case that names models and rows, which may be `golden` itself
    MethodRun(GoldenCase golden, GoldenCase batch) {
        this.golden = golden;
        this.batch = batch;
    }

    /// The case of the batch that another one is computed on.
    static GoldenCase batchOf(GoldenCase golden) {
        String name = golden.text("batch", "");
        Path beside = golden.folder().resolveSibling(name);
        return GoldenCase.read(
                java.nio.file.Files.exists(beside.resolve(GoldenCase.FILE))
                        ? beside
                        : golden.above(name));
    }

    StepArena arena() {
        return arena;
    }

    Region region() {
        return region;
    }

    /// The model that trains, all of it.
    Policy policy() {
        return new Policy(
                models.computeIfAbsent(
                        "policy",
                        name -> {
                            Decoder model = load(name, Decoder.Loading.WRITABLE);
                            model.trainAll(region);
                            return model;
                        }),
                CheckpointPolicy.keepAll());
    }

    Decoder reference() {
        return frozen("reference");
    }

    /// Another model of the case.
    Decoder frozen(String name) {
        return models.computeIfAbsent(name, known -> load(known, Decoder.Loading.MAPPED));
    }

    /// A second copy of a model, in memory of its own.
    Decoder another(String name) {
        return models.computeIfAbsent("another " + name, _ -> load(name, Decoder.Loading.MAPPED));
    }

    private Decoder load(String name, Decoder.Loading loading) {
        String path = batch.text("models." + name, golden.text("models." + name, ""));
        if (path.isEmpty()) {
            path = batch.text("model", golden.text("model", "models/" + name));
        }
        return Decoder.load(ModelDirectory.open(batch.above(path)), DType.F32, loading);
    }

    /// Compares what both models think of the rows of a batch.
    void compareScores(MethodRows rows, Comparison comparison) {
        GoldenTensors file = golden.tensors(TENSORS).orElseThrow();
        for (String name : List.of("policy", "reference", "old")) {
            String tensor = name + "_token_log_probs";
            if (!file.names().contains(tensor)) {
                continue;
            }
            Head.Scores scores = scores(frozen(name), rows.batch());
            comparison.golden(
                    tensor,
                    rows.table(wide(scores.logProbs_M())),
                    file,
                    tensor,
                    golden.tolerance("log_probs"));
            if (file.names().contains(name + "_token_entropy")) {
                comparison.golden(
                        name + "_token_entropy",
                        rows.table(wide(scores.entropies_M())),
                        file,
                        name + "_token_entropy",
                        golden.tolerance(
                                golden.find("tolerance.entropy") instanceof Map
                                        ? "entropy"
                                        : "log_probs"));
            }
        }
    }

    static double[] wide(float[] values) {
        double[] wide = new double[values.length];
        for (int i = 0; i < values.length; i++) {
            wide[i] = values[i];
        }
        return wide;
    }

    /// What a model thinks of labelled tokens.
    Head.Scores scores(Decoder model, TokenBatch rows) {
        return scores(model, rows, 1);
    }

    Head.Scores scores(Decoder model, TokenBatch rows, double temperature) {
        try (Region step = arena.open("golden scores")) {
            Tape silent = Tape.silent(arena, step);
            Tensor hidden_ND = model.forward(silent, rows, CheckpointPolicy.keepAll());
            var targets =
                    new Head.Targets(rows.labels_N(), rows.weights_N(), TokenBatch.NOT_TRAINED);
            return model.head().scores(silent, hidden_ND, targets, temperature);
        }
    }

    /// Runs one step and compares loss, figures and gradients.
    LossSum compare(Objective objective, List<TokenBatch> parts, Comparison comparison) {
        return compare(cleared(objective, parts, parts.size()), comparison);
    }

    /// As the other, of a step whose loss is divided by `items`, which may be others than the rows
    /// have: a part that is counted but not run makes up the difference.
    LossSum compare(
            Objective objective, List<TokenBatch> parts, double items, Comparison comparison) {
        double rest = items - parts.stream().mapToDouble(TokenBatch::weightSum).sum();
        if (rest == 0) {
            return compare(objective, parts, comparison);
        }
        List<TokenBatch> counted = new ArrayList<>(parts);
        counted.add(MethodRows.end(List.of(new Sample(new int[2], new float[] {0, (float) rest}))));
        LossSum run = cleared(objective, counted, parts.size());
        LossSum unrun = new LossSum(0, rest, 0, 0, 0, Metrics.NONE);
        return compare(run.plus(unrun), comparison);
    }

    /// Runs one loss and compares it with figures and gradients.
    LossSum compare(Function<Tape, LossSum> loss, Comparison comparison) {
        policy().model().trainable().forEach(Parameter::clearGradient);
        try (Region step = arena.open("golden loss")) {
            Tape tape = Tape.recording(arena, step, 0);
            LossSum sum = loss.apply(tape);
            tape.backward();
            return compare(sum, comparison);
        }
    }

    private LossSum compare(LossSum sum, Comparison comparison) {
        comparison.number("loss", sum.mean(), golden.number("loss", 0), golden.tolerance("loss"));
        compareMetrics(sum, comparison);
        compareGradients(comparison);
        return sum;
    }

    private LossSum cleared(Objective objective, List<TokenBatch> parts, int run) {
        policy().model().trainable().forEach(Parameter::clearGradient);
        return step(objective, parts, run);
    }

    /// Runs a step and adds its gradients to those that are there.
    LossSum step(Objective objective, List<TokenBatch> parts) {
        return step(objective, parts, parts.size());
    }

    private LossSum step(Objective objective, List<TokenBatch> parts, int run) {
        LossSum sum = LossSum.ZERO;
        Objective.Step whole = objective.begin(arena, parts, new Objective.Occasion(0, 0, true));
        for (int part = 0; part < run; part++) {
            try (Region step = arena.open("golden step")) {
                Tape tape = Tape.recording(arena, step, 0);
                sum = sum.plus(whole.loss(tape, part));
                tape.backward();
            }
        }
        return sum;
    }

    private void compareMetrics(LossSum sum, Comparison comparison) {
        if (!(golden.find("metrics") instanceof Map<?, ?> metrics)) {
            return;
        }
        Map<String, Double> values = new LinkedHashMap<>(sum.metrics().values());
        values.put("mean_token_accuracy", sum.accuracy());
        boolean paddedMeans = golden.text("note", "").contains("not to be imitated");
        metrics.forEach((name, expected) -> {
            boolean padded = paddedMeans && name.toString().startsWith("logits/");
            if (padded || !(expected instanceof Number number)) {
                return;
            }
            Double value = values.get(name.toString());
            if (value == null) {
                comparison.fail("no metric " + name);
            } else {
                // Metrics are sums of many log-probabilities: their rounding adds up.
                comparison.number(
                        "metric " + name,
                        value,
                        number.doubleValue(),
                        new Tolerance(2e-5, 2e-5, 0));
            }
        });
    }

    void compareGradients(Comparison comparison) {
        golden.tensors(TENSORS)
                .ifPresent(file -> {
                    double squares = 0;
                    for (Parameter parameter : policy().model().trainable()) {
                        float[] gradient = parameter.gradient().toFloats();
                        comparison.golden(
                                "gradient of " + parameter.name(),
                                gradient,
                                file,
                                "grad/" + parameter.name(),
                                golden.tolerance("gradients"));
                        for (float value : gradient) {
                            squares += (double) value * value;
                        }
                    }
                    double norm = golden.number("grad_norm", -1);
                    if (norm >= 0) {
                        comparison.number(
                                "gradient norm",
                                Math.sqrt(squares),
                                norm,
                                new Tolerance(0, golden.tolerance("gradients").ofLargest(), 0));
                    }
                });
    }

    /// Compares the loss of every pair by itself, where the file has it.
    void comparePerPair(Objective objective, MethodRows rows, Comparison comparison) {
        GoldenTensors file = golden.tensors(TENSORS).orElse(null);
        if (file == null || !file.names().contains("loss_per_pair")) {
            return;
        }
        int pairs = rows.documents().size() / 2;
        float[] losses = new float[pairs];
        for (int i = 0; i < pairs; i++) {
            losses[i] = (float) silently(objective, rows.batch(2 * i, 2 * i + 2)).mean();
        }
        comparison.golden(
                "loss of each pair", losses, file, "loss_per_pair", golden.tolerance("loss"));
    }

    LossSum silently(Objective objective, TokenBatch rows) {
        Objective.Step whole =
                objective.begin(arena, List.of(rows), new Objective.Occasion(0, 0, true));
        try (Region step = arena.open("golden pair")) {
            return whole.loss(Tape.silent(arena, step), 0);
        }
    }

    @Override
    public void close() {
        arena.close();
        models.values().forEach(Decoder::close);
        region.close();
    }
}
