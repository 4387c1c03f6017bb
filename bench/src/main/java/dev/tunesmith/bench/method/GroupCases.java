package dev.tunesmith.bench.method;

import dev.tunesmith.bench.golden.CaseRunner;
import dev.tunesmith.bench.golden.Comparison;
import dev.tunesmith.bench.golden.GoldenCase;
import dev.tunesmith.bench.golden.GoldenTensors;
import dev.tunesmith.bench.golden.Tolerance;
import dev.tunesmith.bench.golden.UnsupportedCaseException;
import dev.tunesmith.contracts.method.GroupLoss;
import dev.tunesmith.contracts.method.GroupSettings.Advantage;
import dev.tunesmith.engine.data.Sample;
import dev.tunesmith.engine.nn.Head;
import dev.tunesmith.engine.objective.group.GroupAdvantages;
import dev.tunesmith.engine.objective.group.GroupUpdate;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/// GRPO and its relatives: advantages from rewards, batches of answers, and the losses on them.
public final class GroupCases implements CaseRunner {

    private static final String TENSORS = "tensors.safetensors";

    /// Figures of answers and rewards are means of numbers near 1.
    private static final Tolerance FIGURES = new Tolerance(2e-5, 2e-5, 0);

    @Override
    public void run(GoldenCase golden, Comparison comparison) {
        boolean isBatch = golden.text("batch", "").isEmpty();
        GoldenCase batch = isBatch ? golden : MethodRun.batchOf(golden);
        try (MethodRun run = new MethodRun(golden, batch)) {
            Answers answers = new Answers(batch.tensors(TENSORS).orElseThrow());
            if (isBatch) {
                answers.compare(run, golden, comparison);
            } else if (golden.list("rewards").isEmpty()) {
                loss(golden, run, answers, comparison);
            } else {
                advantages(golden, answers, comparison);
            }
        }
    }

    /// The rows of a batch without their padding.
    private static final class Answers {
        private final GoldenTensors file;
        private final int width;
        private final List<Sample> documents = new ArrayList<>();
        private final List<int[]> places = new ArrayList<>();

        Answers(GoldenTensors file) {
            this.file = file;
            this.width = (int) file.shape("completion_ids")[1];
            int rows = (int) file.shape("completion_ids")[0];
            boolean[] tools = file.marks("tool_mask");
            int[] prompts = file.integers("prompt_ids");
            int[] ids = file.integers("completion_ids");
            boolean[] inPrompt = file.marks("prompt_mask");
            boolean[] inAnswer = file.marks("completion_mask");
            int promptWidth = prompts.length / rows;
            for (int row = 0; row < rows; row++) {
                int first = row * promptWidth;
                int[] prompt =
                        IntStream.range(first, first + promptWidth)
                                .filter(i -> inPrompt[i])
                                .map(i -> prompts[i])
                                .toArray();
                int begin = row * width;
                int[] answer =
                        IntStream.range(begin, begin + width).filter(i -> inAnswer[i]).toArray();
                int[] all = Arrays.copyOf(prompt, prompt.length + answer.length);
                float[] weights = new float[all.length];
                for (int t = 0; t < answer.length; t++) {
                    all[prompt.length + t] = ids[answer[t]];
                    boolean trained = tools.length == 0 || tools[answer[t]];
                    weights[prompt.length + t] = trained ? 1 : 0;
                }
                documents.add(new Sample(all, weights));
                places.add(
                        Arrays.stream(answer).filter(i -> tools.length == 0 || tools[i]).toArray());
            }
        }

        /// Values of trained tokens in the file's table.
        float[] table(float[] values_M) {
            float[] table = new float[documents.size() * width];
            int m = 0;
            for (int[] row : places) {
                for (int place : row) {
                    table[place] = values_M[m++];
                }
            }
            return table;
        }

        double[] row(String tensor, int row) {
            float[] all = file.floats(tensor).orElseThrow();
            return Arrays.stream(places.get(row)).mapToDouble(place -> all[place]).toArray();
        }

        List<double[]> all(String tensor) {
            return IntStream.range(0, documents.size()).mapToObj(i -> row(tensor, i)).toList();
        }

        void compare(MethodRun run, GoldenCase golden, Comparison comparison) {
            Tolerance tolerance = golden.tolerance("log_probs");
            for (String name : List.of("policy", "old", "reference")) {
                Head.Scores scores = run.scores(run.frozen(name), MethodRows.end(documents));
                String tensor = name + "_token_log_probs";
                float[] expected = table(flat(tensor));
                comparison.tensor(tensor, table(scores.logProbs_M()), expected, tolerance);
                if (file.has(name + "_token_entropy")) {
                    comparison.tensor(
                            name + "_token_entropy",
                            table(scores.entropies_M()),
                            table(flat(name + "_token_entropy")),
                            tolerance);
                }
            }
        }

        /// Values of trained tokens of a table of the file.
        private float[] flat(String tensor) {
            float[] all = file.floats(tensor).orElseThrow();
            int[] trained = places.stream().flatMapToInt(Arrays::stream).toArray();
            float[] values = new float[trained.length];
            for (int m = 0; m < trained.length; m++) {
                values[m] = all[trained[m]];
            }
            return values;
        }
    }

    private static void advantages(GoldenCase golden, Answers answers, Comparison comparison) {
        List<double[]> rewards =
                golden.list("rewards").stream().map(row -> numbers((List<?>) row)).toList();
        double[] weights =
                golden.list("reward_weights").isEmpty()
                        ? rewards.stream().mapToDouble(_ -> 1).toArray()
                        : numbers(golden.list("reward_weights"));
        var groups = new GroupAdvantages((int) golden.number("group_size", 1));
        double[] sums = GroupAdvantages.sums(rewards, weights);
        double[] found =
                switch (golden.text("parameters.kind", "")) {
                    case "grpo" ->
                            golden.text("parameters.aggregate", "").equals("normalize_then_sum")
                                    ? groups.normalisedThenSummed(rewards, weights)
                                    : groups.of(scale(golden), sums);
                    case "rloo" -> leaveOneOut(golden, answers, groups, sums);
                    default -> throw new UnsupportedCaseException("kind of advantages");
                };
        float[] narrow = new float[found.length];
        for (int i = 0; i < narrow.length; i++) {
            narrow[i] = (float) found[i];
        }
        GoldenTensors file = golden.tensors(TENSORS).orElseThrow();
        comparison.golden("advantages", narrow, file, "advantages", golden.tolerance("advantages"));
        figure(golden, comparison, "reward", GroupAdvantages.mean(sums));
        figure(golden, comparison, "reward_std", GroupAdvantages.deviation(sums));
        for (int f = 0; f < rewards.size(); f++) {
            String name = "rewards/reward_%d/".formatted(f);
            figure(golden, comparison, name + "mean", GroupAdvantages.mean(rewards.get(f)));
            figure(golden, comparison, name + "std", GroupAdvantages.deviation(rewards.get(f)));
        }
    }

    private static Advantage scale(GoldenCase golden) {
        String name = golden.text("parameters.scale", "group");
        return Advantage.valueOf(name.toUpperCase(Locale.ROOT));
    }

    private static double[] leaveOneOut(
            GoldenCase golden, Answers answers, GroupAdvantages groups, double[] sums) {
        double[] scores = sums.clone();
        List<?> bounds = golden.list("parameters.clip");
        double price = golden.number("parameters.beta", 0);
        for (int i = 0; i < scores.length; i++) {
            if (!bounds.isEmpty()) {
                double[] range = numbers(bounds);
                scores[i] = Math.clamp(scores[i], range[0], range[1]);
            }
        }
        if (price != 0) {
            scores =
                    GroupAdvantages.priced(
                            scores,
                            price,
                            answers.all("policy_token_log_probs"),
                            answers.all("reference_token_log_probs"));
        }
        double[] advantages = groups.of(Advantage.OTHERS, scores);
        return Boolean.TRUE.equals(golden.find("parameters.normalize"))
                ? GroupAdvantages.normalised(advantages)
                : advantages;
    }

    private static void figure(
            GoldenCase golden, Comparison comparison, String name, double found) {
        if (golden.find("metrics") instanceof java.util.Map<?, ?> metrics
                && metrics.get(name) instanceof Number number) {
            comparison.number(name, found, number.doubleValue(), FIGURES);
        }
    }

    private static double[] numbers(List<?> values) {
        return values.stream()
                .mapToDouble(value -> value instanceof Number n ? n.doubleValue() : Double.NaN)
                .toArray();
    }

    private static void loss(
            GoldenCase golden, MethodRun run, Answers answers, Comparison comparison) {
        GroupLoss settings = settings(golden);
        float[] advantages =
                golden.tensors(TENSORS).orElseThrow().floats("advantages").orElseThrow();
        boolean fresh = Boolean.TRUE.equals(golden.find("parameters.on_policy"));
        boolean priced = golden.number("parameters.beta", 0) != 0;
        List<GroupUpdate.Answer> drawn = new ArrayList<>();
        for (int row = 0; row < answers.documents.size(); row++) {
            drawn.add(
                    new GroupUpdate.Answer(
                            answers.documents.get(row),
                            fresh ? new double[0] : answers.row("old_token_log_probs", row),
                            priced ? answers.row("reference_token_log_probs", row) : new double[0],
                            advantages[row]));
        }
        int longest = (int) golden.number("parameters.max_completion_length", answers.width);
        GroupUpdate.Totals all = GroupUpdate.Totals.of(drawn, longest);
        var totals =
                new GroupUpdate.Totals(
                        all.answers(),
                        golden.number("parameters.items", all.tokens()),
                        longest,
                        open(settings, run, answers, all));
        var update = new GroupUpdate(run.policy(), settings, 1);
        run.compare(tape -> update.loss(tape, drawn, totals), comparison);
    }

    private static GroupUpdate.Open open(
            GroupLoss settings, MethodRun run, Answers answers, GroupUpdate.Totals all) {
        if (settings.entropy().share() == 1) {
            return all.open();
        }
        float[] entropies =
                run.scores(run.policy().model(), MethodRows.end(answers.documents)).entropies_M();
        return GroupUpdate.Open.share(entropies, settings.entropy().share());
    }

    private static GroupLoss settings(GoldenCase golden) {
        String name = golden.text("parameters.loss", "");
        GroupLoss.Kind kind;
        try {
            kind = GroupLoss.Kind.valueOf(name.toUpperCase(Locale.ROOT));
        } catch (IllegalArgumentException _) {
            throw new UnsupportedCaseException("loss '%s'".formatted(name));
        }
        double low = golden.number("parameters.epsilon", 0.2);
        return new GroupLoss(
                kind,
                golden.text("parameters.level", "token").equals("sequence"),
                new GroupLoss.Clip(
                        low,
                        golden.number("parameters.epsilon_high", low),
                        optional(golden, "parameters.delta")),
                new GroupLoss.Price(
                        golden.number("parameters.beta", 0),
                        Boolean.TRUE.equals(golden.find("parameters.kl_bias_correction"))),
                new GroupLoss.Entropy(
                        golden.number("parameters.entropy_coef", 0),
                        golden.number("parameters.top_entropy_quantile", 1),
                        optional(golden, "parameters.off_policy_threshold")));
    }

    private static @Nullable Double optional(GoldenCase golden, String path) {
        return golden.find(path) instanceof Number number ? number.doubleValue() : null;
    }
}
