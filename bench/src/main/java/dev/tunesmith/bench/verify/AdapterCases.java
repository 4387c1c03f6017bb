package dev.tunesmith.bench.verify;

import dev.tunesmith.bench.golden.CaseRunner;
import dev.tunesmith.bench.golden.Comparison;
import dev.tunesmith.bench.golden.GoldenCase;
import dev.tunesmith.bench.golden.GoldenTensors;
import dev.tunesmith.bench.golden.Tolerance;
import dev.tunesmith.bench.golden.UnsupportedCaseException;
import dev.tunesmith.engine.adapter.Adapter;
import dev.tunesmith.engine.adapter.kind.AdapterConfig;
import dev.tunesmith.engine.adapter.site.Companion;
import dev.tunesmith.engine.adapter.site.FileTensor;
import dev.tunesmith.engine.data.TokenBatch;
import dev.tunesmith.engine.io.JsonTree;
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
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// Group `adapters`: an adapter on a base model, or full fine-tuning of one.
final class AdapterCases implements CaseRunner {

    @Override
    public void run(GoldenCase golden, Comparison comparison) {
        Path base = golden.above(golden.text("base", ""));
        ModelDirectory directory = ModelDirectory.open(base.resolve("model"));
        if (Files.exists(golden.folder().resolve("batches.safetensors"))) {
            new FullTraining(golden, directory, comparison).run();
            return;
        }
        if (Files.isDirectory(golden.folder().resolve("adapters"))) {
            new CombinedCases().run(golden, comparison);
            return;
        }
        Path folder = golden.folder().resolve("adapter");
        if (!Files.isDirectory(folder)) {
            throw new UnsupportedCaseException("a case without a folder 'adapter'");
        }
        TokenBatch batch =
                Batches.padded(GoldenTensors.open(base.resolve("batch.safetensors")), "");
        // The reference ran without dropout.
        AdapterConfig config =
                AdapterConfig.read(JsonTree.read(folder.resolve(Adapter.CONFIG))).withoutDropout();
        try (ModelRun run = new ModelRun(base(golden, directory));
                Adapter adapter = adapter(golden, run.decoder(), config, comparison)) {
            start(golden, run, batch, adapter, comparison);
            adapter.train();
            gradients(golden, run, batch, adapter, comparison);
            merged(golden, directory, batch, adapter, comparison);
            training(golden, run, batch, adapter, comparison);
        }
    }

    /// The adapter as it is stored; or, where a file has only what trained parameters become, a new
    /// one with the values of those.
    private static Adapter adapter(
            GoldenCase golden, Decoder decoder, AdapterConfig config, Comparison comparison) {
        Path folder = golden.folder().resolve("adapter");
        if (golden.file("start.safetensors").isEmpty()) {
            return Adapter.load(decoder, config, folder);
        }
        GoldenTensors start = golden.tensors("start.safetensors").orElseThrow();
        GoldenTensors stored = GoldenTensors.open(folder.resolve(Adapter.WEIGHTS));
        Adapter adapter = Adapter.fresh(decoder, config, 0);
        for (Parameter parameter : adapter.parameters()) {
            parameter.assign(start.floats(parameter.name()).orElseThrow());
        }
        adapter.tensors()
                .forEach((name, tensor) ->
                        comparison.golden(
                                "stored " + name,
                                tensor.values(),
                                stored,
                                name,
                                golden.tolerance("logits")));
        return adapter;
    }

    /// The base, with the weights that an initialiser has replaced.
    private static Decoder base(GoldenCase golden, ModelDirectory directory) {
        Decoder decoder = Decoder.load(directory, DType.F32, Decoder.Loading.WRITABLE);
        golden.tensors("residual_base.safetensors")
                .ifPresent(residual ->
                        residual.names()
                                .forEach(name ->
                                        decoder.parameter(name)
                                                .orElseThrow()
                                                .assign(residual.floats(name).orElseThrow())));
        return decoder;
    }

    private static void start(
            GoldenCase golden,
            ModelRun run,
            TokenBatch batch,
            Adapter adapter,
            Comparison comparison) {
        golden.tensors("expected.safetensors")
                .ifPresent(expected -> {
                    comparison.golden(
                            "logits",
                            run.forward(batch).logits(),
                            expected,
                            "logits",
                            golden.tolerance("logits"));
                    expected.number("loss")
                            .ifPresent(loss ->
                                    comparison.number(
                                            "loss",
                                            mean(run, batch, adapter),
                                            loss,
                                            golden.tolerance("loss")));
                });
    }

    /// The mean loss with what the kind of adapter adds to it.
    private static double mean(ModelRun run, TokenBatch batch, Adapter adapter) {
        double penalty = adapter.companion().map(c -> c.penalty(0)).orElse(0.0);
        return run.loss(batch).weighted() / batch.weightSum() + penalty;
    }

    private static double gradients(ModelRun run, TokenBatch batch, Adapter adapter) {
        Head.Losses losses = run.lossAndGradients(batch, CheckpointPolicy.keepAll());
        if (losses.losses_M().length == 0) {
            throw new UnsupportedCaseException("a batch without labels");
        }
        double penalty = adapter.companion().map(c -> c.penalty(1)).orElse(0.0);
        return losses.weighted() / batch.weightSum() + penalty;
    }

    private static void gradients(
            GoldenCase golden,
            ModelRun run,
            TokenBatch batch,
            Adapter adapter,
            Comparison comparison) {
        double _ = gradients(run, batch, adapter);
        golden.tensors("gradients.safetensors")
                .ifPresent(expected -> {
                    Map<String, FileTensor> found = adapter.gradients();
                    List<?> zero = golden.list("zero_gradient_tensors");
                    found.forEach((name, gradient) ->
                            comparison.golden(
                                    "gradient of " + name,
                                    gradient.values(),
                                    expected,
                                    name,
                                    zero.contains(name)
                                            ? Tolerance.absolute(1e-6)
                                            : golden.tolerance("gradients")));
                    expected.names().stream()
                            .filter(name -> !found.containsKey(name))
                            .forEach(name ->
                                    comparison.fail(
                                            "no gradient of %s is computed".formatted(name)));
                });
        adapter.parameters().forEach(Parameter::clearGradient);
    }

    private static void merged(
            GoldenCase golden,
            ModelDirectory directory,
            TokenBatch batch,
            Adapter adapter,
            Comparison comparison) {
        if (golden.file("merged.safetensors").isEmpty()) {
            return;
        }
        Map<String, FileTensor> merged = adapter.merged();
        GoldenTensors file = golden.tensors("merged.safetensors").orElseThrow();
        file.names().stream()
                .filter(name -> !merged.containsKey(name))
                .forEach(name -> comparison.fail("merging does not change " + name));
        try (ModelRun run = new ModelRun(base(golden, directory))) {
            merged.forEach((name, tensor) -> {
                comparison.golden(
                        "merged " + name, tensor.values(), file, name, golden.tolerance("logits"));
                put(run.decoder(), name, tensor);
            });
            golden.tensors("expected.safetensors")
                    .ifPresent(expected ->
                            comparison.golden(
                                    "merged logits",
                                    run.forward(batch).logits(),
                                    expected,
                                    "merged_logits",
                                    golden.tolerance("logits")));
        }
    }

    /// An untied head is no parameter of a tied checkpoint.
    private static void put(Decoder decoder, String name, FileTensor tensor) {
        if (name.equals("lm_head.weight") && decoder.parameter(name).isEmpty()) {
            long[] shape = decoder.head().weight().value().shape();
            Region region = Region.lasting("untied head");
            decoder.head().useWeight(new Parameter(name, region.floats(tensor.values(), shape)));
            return;
        }
        decoder.parameter(name).orElseThrow().assign(tensor.values());
    }

    private static void training(
            GoldenCase golden,
            ModelRun run,
            TokenBatch batch,
            Adapter adapter,
            Comparison comparison) {
        if (golden.file("training.safetensors").isEmpty()) {
            return;
        }
        GoldenTensors expected = golden.tensors("training.safetensors").orElseThrow();
        int steps = (int) golden.number("training.steps", 5);
        double rate = largestRate(golden);
        float[] losses = new float[steps + 1];
        float[] norms = new float[steps];
        try (Region region = Region.lasting("optimizer")) {
            Optimizer optimizer =
                    Optimizer.of(groups(golden, adapter, rate), Rule.AdamW.USUAL, 0, region);
            for (int step = 0; step < steps; step++) {
                losses[step] = (float) gradients(run, batch, adapter);
                adapter.companion().ifPresent(Companion::beforeStep);
                norms[step] = (float) optimizer.step(rate).gradientNorm();
                int done = step;
                adapter.companion().ifPresent(c -> c.afterStep(done, 1));
            }
        }
        losses[steps] = (float) mean(run, batch, adapter);
        comparison.golden(
                "training losses", losses, expected, "losses", golden.tolerance("training_losses"));
        comparison.golden("gradient norms", norms, expected, "gradient_norms", loosened(golden));
        comparison.golden(
                "logits after training",
                run.forward(batch).logits(),
                expected,
                "final_logits",
                new Tolerance(
                        golden.number("tolerance.logits.abs", 0)
                                + golden.number("tolerance.final.abs", 0),
                        golden.number("tolerance.logits.rel", 0),
                        0));
        finalParameters(golden, adapter, expected, comparison);
        finalTensors(golden, adapter, expected, comparison);
    }

    /// Norms of later steps carry the rounding of earlier ones.
    private static Tolerance loosened(GoldenCase golden) {
        return new Tolerance(
                golden.number("tolerance.training_losses.abs", 0),
                golden.number("tolerance.gradients.of_largest", 0),
                0);
    }

    private static double largestRate(GoldenCase golden) {
        double rate = 0;
        for (Object group : golden.list("training.groups")) {
            if (group instanceof Map<?, ?> map && map.get("lr") instanceof Number number) {
                rate = Math.max(rate, number.doubleValue());
            }
        }
        return rate;
    }

    private static List<ParameterGroup> groups(GoldenCase golden, Adapter adapter, double rate) {
        List<ParameterGroup> groups = new ArrayList<>();
        List<?> described = golden.list("training.groups");
        List<?> members = golden.list("training.group_members");
        for (int g = 0; g < described.size(); g++) {
            Map<?, ?> group = (Map<?, ?>) described.get(g);
            List<?> names = members.isEmpty() ? List.of() : (List<?>) members.get(g);
            List<Parameter> parameters =
                    adapter.parameters().stream()
                            .filter(p -> members.isEmpty() || names.contains(p.name()))
                            .toList();
            groups.add(
                    new ParameterGroup(
                            parameters,
                            number(group.get("weight_decay")),
                            number(group.get("lr")) / rate));
        }
        return groups;
    }

    private static double number(@Nullable Object value) {
        return value instanceof Number number ? number.doubleValue() : 0;
    }

    private static void finalTensors(
            GoldenCase golden, Adapter adapter, GoldenTensors training, Comparison comparison) {
        if (golden.file("final/" + Adapter.WEIGHTS).isEmpty()) {
            return;
        }
        GoldenTensors expected = golden.tensors("final/" + Adapter.WEIGHTS).orElseThrow();
        adapter.tensors()
                .forEach((name, tensor) ->
                        comparison.golden(
                                "trained " + name,
                                tensor.values(),
                                expected,
                                name,
                                golden.tolerance("final"),
                                training.marks("unstable." + name)));
    }

    /// Trained parameters that no adapter file has.
    private static void finalParameters(
            GoldenCase golden, Adapter adapter, GoldenTensors training, Comparison comparison) {
        for (Parameter parameter : adapter.parameters()) {
            comparison.golden(
                    "trained " + parameter.name(),
                    parameter.best(),
                    training,
                    "final." + parameter.name(),
                    golden.tolerance("final"),
                    training.marks("unstable." + parameter.name()));
        }
    }

    /// Group `adapters/base`: the models that adapters are made for, without any adapter.
    static final class Plain implements CaseRunner {

        /// These cases hold no tolerance; those of the adapters on them start here.
        private static final Tolerance LOGITS = new Tolerance(2e-4, 1e-5, 0);

        private static final Tolerance LOSS = new Tolerance(1e-5, 1e-5, 0);

        @Override
        public void run(GoldenCase golden, Comparison comparison) {
            ModelDirectory directory = ModelDirectory.open(golden.folder().resolve("model"));
            try (ModelRun run =
                    new ModelRun(Decoder.load(directory, DType.F32, Decoder.Loading.MAPPED))) {
                TokenBatch batch =
                        Batches.padded(golden.tensors("batch.safetensors").orElseThrow(), "");
                GoldenTensors expected = golden.tensors("expected.safetensors").orElseThrow();
                comparison.golden(
                        "logits", run.forward(batch).logits(), expected, "logits", LOGITS);
                Head.Losses losses = run.loss(batch);
                expected.number("loss_mean")
                        .ifPresent(mean ->
                                comparison.number(
                                        "loss_mean",
                                        losses.weighted() / batch.weightSum(),
                                        mean,
                                        LOSS));
            }
        }
    }
}
