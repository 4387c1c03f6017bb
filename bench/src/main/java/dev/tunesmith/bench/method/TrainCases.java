package dev.tunesmith.bench.method;

import dev.tunesmith.bench.golden.CaseRunner;
import dev.tunesmith.bench.golden.Comparison;
import dev.tunesmith.bench.golden.GoldenCase;
import dev.tunesmith.bench.golden.GoldenTensors;
import dev.tunesmith.bench.golden.Tolerance;
import dev.tunesmith.bench.golden.UnsupportedCaseException;
import dev.tunesmith.contracts.method.MethodSettings;
import dev.tunesmith.contracts.method.MethodSettings.Preference;
import dev.tunesmith.contracts.method.PairLoss;
import dev.tunesmith.contracts.method.Reference;
import dev.tunesmith.contracts.optim.Curve;
import dev.tunesmith.engine.adapter.Adapter;
import dev.tunesmith.engine.adapter.kind.LoraConfig;
import dev.tunesmith.engine.adapter.site.Scope;
import dev.tunesmith.engine.adapter.site.Targets;
import dev.tunesmith.engine.data.Sample;
import dev.tunesmith.engine.data.TokenBatch;
import dev.tunesmith.engine.loop.rate.LearningRate;
import dev.tunesmith.engine.model.Decoder;
import dev.tunesmith.engine.model.ScoreHead;
import dev.tunesmith.engine.nn.Parameter;
import dev.tunesmith.engine.objective.KtoObjective;
import dev.tunesmith.engine.objective.LossSum;
import dev.tunesmith.engine.objective.Objective;
import dev.tunesmith.engine.objective.Policy;
import dev.tunesmith.engine.objective.PreferenceObjective;
import dev.tunesmith.engine.objective.RewardObjective;
import dev.tunesmith.engine.objective.TokenObjective;
import dev.tunesmith.engine.optim.Optimizer;
import dev.tunesmith.engine.optim.ParameterGroup;
import dev.tunesmith.engine.optim.Rule;
import dev.tunesmith.engine.tape.CheckpointPolicy;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// A few optimizer steps of a method: loss, gradient norm and rate of each, and the last weights.
public final class TrainCases implements CaseRunner {

    @Override
    public void run(GoldenCase golden, Comparison comparison) {
        try (MethodRun run = new MethodRun(golden, golden)) {
            new Run(golden, run, comparison).run();
        }
    }

    /// One case.
    private static final class Run {
        private final GoldenCase golden;
        private final MethodRun run;
        private final Comparison comparison;
        private Optional<Adapter> before = Optional.empty();

        Run(GoldenCase golden, MethodRun run, Comparison comparison) {
            this.golden = golden;
            this.run = run;
            this.comparison = comparison;
        }

        void run() {
            boolean lora = golden.find("parameters.lora") instanceof Map;
            Optional<Adapter> adapter =
                    lora ? Optional.of(adapter(run.frozen("policy"))) : Optional.empty();
            adapter.ifPresent(Adapter::train);
            Policy policy =
                    lora
                            ? new Policy(run.frozen("policy"), CheckpointPolicy.keepAll())
                            : run.policy();
            List<Parameter> trained =
                    new ArrayList<>(
                            adapter.map(Adapter::parameters)
                                    .orElseGet(() -> policy.model().parameters()));
            Objective objective = objective(policy, lora, trained);
            train(objective, trained);
            compareWeights(adapter, trained);
            adapter.ifPresent(Adapter::close);
            before.ifPresent(Adapter::close);
        }

        private void train(Objective objective, List<Parameter> trained) {
            var rule =
                    new Rule.AdamW(
                            hyper("adam_beta1", 0.9),
                            hyper("beta2", 0.999),
                            hyper("adam_epsilon", 1e-8));
            Optimizer optimizer =
                    Optimizer.of(
                            ParameterGroup.byDecay(trained, hyper("weight_decay", 0)),
                            rule,
                            hyper("clip", 1),
                            run.region());
            int steps = (int) hyper("steps", 0);
            LearningRate rates =
                    new LearningRate(
                            Curve.usual(
                                    Curve.Kind.valueOf(
                                            golden.text("parameters.schedule", "linear")
                                                    .toUpperCase(java.util.Locale.ROOT))),
                            hyper("lr", 0),
                            (int) hyper("warmup", 0),
                            steps);
            for (int step = 0; step < steps; step++) {
                optimizer.clearGradients();
                LossSum sum = run.step(objective, parts(step));
                double norm = optimizer.step(rates.at(step)).gradientNorm();
                Map<?, ?> log = (Map<?, ?>) golden.list("log").get(step);
                String at = " of step " + (step + 1);
                compare("loss" + at, sum.mean(), log.get("loss"), golden.tolerance("loss"));
                compare("norm" + at, norm, log.get("grad_norm"), golden.tolerance("grad_norm"));
                compare(
                        "rate" + at,
                        rates.at(step),
                        log.get("learning_rate"),
                        new Tolerance(1e-12, 1e-9, 0));
            }
        }

        private void compare(
                String what, double found, @Nullable Object expected, Tolerance tolerance) {
            double number = expected instanceof Number known ? known.doubleValue() : Double.NaN;
            comparison.number(what, found, number, tolerance);
        }

        private double hyper(String name, double absent) {
            return golden.number("parameters." + name, absent);
        }

        private String kind() {
            String what = golden.text("what", "");
            for (String kind : List.of("sft", "dpo", "kto", "reward")) {
                if (what.contains(" of " + kind)) {
                    return kind;
                }
            }
            throw new UnsupportedCaseException("no method in '%s'".formatted(what));
        }

        private Objective objective(Policy policy, boolean lora, List<Parameter> trained) {
            return switch (kind()) {
                case "sft" -> new TokenObjective(policy);
                case "dpo" ->
                        new PreferenceObjective(policy, Optional.of(reference(lora)), pairs());
                case "kto" -> new KtoObjective(policy, reference(lora), KtoCases.settings(golden));
                default -> {
                    ScoreHead head = ScoreHead.of(policy.model(), run.region()).orElseThrow();
                    head.parameters().stream()
                            .filter(parameter -> !trained.contains(parameter))
                            .forEach(parameter -> {
                                parameter.train(run.region());
                                trained.add(parameter);
                            });
                    yield new RewardObjective(policy, head, new MethodSettings.Reward(0));
                }
            };
        }

        private Preference pairs() {
            Preference usual = Preference.dpo(hyper("beta", Preference.BETA));
            return new Preference(
                    usual.beta(),
                    List.of(PairLoss.of(golden.text("parameters.loss", "sigmoid"))),
                    usual.weights(),
                    usual.labelSmoothing(),
                    usual.divergence(),
                    usual.alpha(),
                    usual.tau(),
                    usual.ldAlpha(),
                    usual.weighted(),
                    usual.referenceFree(),
                    Reference.START);
        }

        /// With an adapter the reference is the adapter as it was at the start.
        private Decoder reference(boolean lora) {
            if (!lora) {
                return run.reference();
            }
            Decoder model = run.another("policy");
            before = Optional.of(adapter(model));
            return model;
        }

        private Adapter adapter(Decoder model) {
            List<String> targets =
                    golden.list("parameters.lora.targets").stream().map(String::valueOf).toList();
            LoraConfig config =
                    LoraConfig.of(
                            Scope.of("policy", Targets.named(targets)),
                            new LoraConfig.Ranks(
                                    (int) hyper("lora.r", 0),
                                    hyper("lora.alpha", 0),
                                    Map.of(),
                                    Map.of(),
                                    false),
                            0,
                            false);
            try {
                Path folder = Files.createTempDirectory("golden-adapter");
                Path weights = folder.resolve(Adapter.WEIGHTS);
                try {
                    Files.copy(golden.file("start.safetensors").orElseThrow(), weights);
                    return Adapter.load(model, config, folder);
                } finally {
                    Files.deleteIfExists(weights);
                    Files.delete(folder);
                }
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        private List<TokenBatch> parts(int step) {
            int batch = (int) hyper("batch", 1);
            int accumulate = (int) hyper("accumulate", 1);
            List<TokenBatch> parts = new ArrayList<>();
            for (int part = 0; part < accumulate; part++) {
                List<Sample> documents = new ArrayList<>();
                int first = (step * accumulate + part) * batch;
                for (Object row : golden.list("rows").subList(first, first + batch)) {
                    documents.addAll(documents((Map<?, ?>) row));
                }
                parts.add(MethodRows.end(documents));
            }
            return parts;
        }

        private List<Sample> documents(Map<?, ?> row) {
            return switch (kind()) {
                case "sft" -> {
                    int[] ids = integers(row, "input_ids");
                    int[] labels = integers(row, "labels");
                    float[] weights = new float[ids.length];
                    for (int t = 0; t < ids.length; t++) {
                        weights[t] = labels[t] == TokenBatch.NOT_TRAINED ? 0 : 1;
                    }
                    yield List.of(new Sample(ids, weights));
                }
                case "dpo" -> List.of(answered(row, "chosen_ids"), answered(row, "rejected_ids"));
                case "kto" ->
                        List.of(
                                answered(row, "completion_ids")
                                        .withValue(Boolean.TRUE.equals(row.get("label")) ? 1 : 0));
                default ->
                        List.of(
                                Sample.allTrained(integers(row, "chosen_ids")),
                                Sample.allTrained(integers(row, "rejected_ids")));
            };
        }

        private static Sample answered(Map<?, ?> row, String key) {
            int[] prompt = integers(row, "prompt_ids");
            int[] answer = integers(row, key);
            int[] ids = Arrays.copyOf(prompt, prompt.length + answer.length);
            System.arraycopy(answer, 0, ids, prompt.length, answer.length);
            float[] weights = new float[ids.length];
            Arrays.fill(weights, prompt.length, ids.length, 1);
            return new Sample(ids, weights);
        }

        private static int[] integers(Map<?, ?> row, String key) {
            List<?> values = row.get(key) instanceof List<?> list ? list : List.of();
            return values.stream().mapToInt(value -> ((Number) value).intValue()).toArray();
        }

        private void compareWeights(Optional<Adapter> adapter, List<Parameter> trained) {
            GoldenTensors file = golden.tensors("tensors.safetensors").orElseThrow();
            Tolerance tolerance = golden.tolerance("weights");
            if (adapter.isPresent()) {
                adapter.get()
                        .tensors()
                        .forEach((name, tensor) ->
                                comparison.golden(
                                        name, tensor.values(), file, "final/" + name, tolerance));
            } else {
                for (Parameter parameter : trained) {
                    comparison.golden(
                            parameter.name(),
                            parameter.master().toFloats(),
                            file,
                            "final/" + parameter.name(),
                            tolerance);
                }
            }
        }
    }
}
