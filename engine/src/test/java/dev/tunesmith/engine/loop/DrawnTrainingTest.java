package dev.tunesmith.engine.loop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.tunesmith.contracts.chat.NamedTemplates;
import dev.tunesmith.contracts.chat.TemplateSource;
import dev.tunesmith.contracts.job.Precision;
import dev.tunesmith.contracts.job.ResolvedSpec;
import dev.tunesmith.contracts.method.GroupSettings;
import dev.tunesmith.contracts.method.KlEstimator;
import dev.tunesmith.contracts.method.Method;
import dev.tunesmith.contracts.method.MethodSettings;
import dev.tunesmith.contracts.method.MethodSettings.Ppo;
import dev.tunesmith.contracts.method.Reference;
import dev.tunesmith.engine.decode.StopTokens;
import dev.tunesmith.engine.io.JsonTree;
import dev.tunesmith.engine.io.ModelDirectory;
import dev.tunesmith.engine.text.Tokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// What settings of rewards do to runs whose answers the model draws.
class DrawnTrainingTest {

    @TempDir Path folder;
    private TinyModel model;

    @BeforeEach
    void createModel() throws IOException {
        model = TinyModel.create(Files.createDirectory(folder.resolve("model")));
    }

    /// Without a price of the distance the reward is the score less the penalty.
    @Test
    void ppoTakesThePenaltyOffTheScoresOfAnswersThatDidNotEnd() throws IOException {
        Recorder run = train(ppo(new Ppo.Credit(1, 0.95, false, 0.5, false)), 12);
        assertThat(run.steps)
                .allSatisfy(step -> {
                    Map<String, Double> seen = step.metrics();
                    double open = 1 - seen.getOrDefault("val/num_eos_tokens", Double.NaN);
                    double score = seen.getOrDefault("objective/scores", Double.NaN);
                    assertThat(seen.get("objective/rlhf_reward"))
                            .isCloseTo(score - 0.5 * open, within(1e-9));
                });
        assertThat(run.steps)
                .as("some answers end and some do not")
                .anySatisfy(step ->
                        assertThat(step.metrics().get("val/num_eos_tokens")).isBetween(0.01, 0.99));
    }

    /// Scores of one rollout are normalised by themselves: their mean is 0.
    @Test
    void ppoNormalisesScores() throws IOException {
        Recorder plain = train(ppo(new Ppo.Credit(1, 0.95, false, 0, false)), 1);
        Recorder run = train(ppo(new Ppo.Credit(1, 0.95, false, 0, true)), 1);
        assertThat(plain.steps.getFirst().metrics().get("objective/rlhf_reward"))
                .isBetween(0.01, 0.99);
        assertThat(run.steps.getFirst().metrics().get("objective/rlhf_reward"))
                .isCloseTo(0, within(1e-9));
    }

    private static MethodSettings ppo(Ppo.Credit credit) {
        Ppo tiny = (Ppo) TinyModel.spec(Method.PPO, TinyModel.FULL, Precision.FP32).settings();
        return new Ppo(
                new Ppo.Rollout(24, 1, 1, 0),
                new Ppo.Distance(KlEstimator.K1, 0, null, 100),
                credit,
                new Ppo.Update(1, 1, 0.2, 0.2, 0.1, 0),
                tiny.grader(),
                Reference.START);
    }

    /// At the first update the policy is its own reference; later the distance has its price.
    @Test
    void thePriceOfTheDistanceIsPartOfTheReward() throws IOException {
        List<Double> free = norms(train(group(Method.RLOO, 0, false, 6), 4));
        List<Double> priced = norms(train(group(Method.RLOO, 5, false, 6), 4));
        assertThat(priced.getFirst()).isCloseTo(free.getFirst(), within(1e-4 * free.getFirst()));
        assertThat(priced.getLast()).isNotCloseTo(free.getLast(), within(0.01 * free.getLast()));
    }

    @Test
    void answersThatWereCutOffDoNotTrainIfTheyAreLeftOut() throws IOException {
        Recorder all = train(group(Method.GRPO, 0, false, 1), 1);
        Recorder left = train(group(Method.GRPO, 0, true, 1), 1);
        assertThat(left.steps.getFirst().metrics().get("completions/clipped_ratio")).isEqualTo(1);
        assertThat(all.steps.getFirst().gradientNorm()).isPositive();
        assertThat(left.steps.getFirst().gradientNorm()).isZero();
    }

    /// What ends answers where a model is served ends them here: a stop word of the template that
    /// the job names does what an end token of the model's own files does.
    @ParameterizedTest
    @EnumSource(
            value = Method.class,
            names = {"PPO", "GRPO"})
    void aStopWordOfTheTemplateEndsAnswers(Method method) throws IOException {
        MethodSettings settings =
                method == Method.PPO
                        ? ppo(new Ppo.Credit(1, 0.95, false, 0, false))
                        : group(method, 0, false, 24);
        ResolvedSpec plain = TinyModel.spec(method, TinyModel.FULL, Precision.FP32);
        ResolvedSpec roomy = TinyModel.longRows(TinyModel.with(plain, settings), 100);
        ResolvedSpec named = TinyModel.steps(TinyModel.templated(roomy, "bailing"), 6);

        Recorder before = model.train(named);
        Path base = model.sources(method).base().path();
        try (Tokenizer tokenizer = Tokenizer.open(base.resolve(ModelDirectory.TOKENIZER))) {
            List<Integer> ends =
                    List.of(
                            tokenizer.id("<|im_end|>").orElseThrow(),
                            tokenizer.id("<|endoftext|>").orElseThrow());
            JsonTree.write(base.resolve("generation_config.json"), Map.of("eos_token_id", ends));
        }
        Recorder told = model.train(named);
        assertThat(told.steps).hasSizeGreaterThan(3);
        assertThat(before.steps.stream().map(StepReport::metrics).toList())
                .isEqualTo(told.steps.stream().map(StepReport::metrics).toList());
    }

    /// A model of its own that was trained with a template ends answers as that says.
    @Test
    void theTemplateOfAModelSaysWhatEndsItsAnswers() throws IOException {
        ModelDirectory plain = model.sources(Method.GRPO).base();
        try (Tokenizer tokenizer = Tokenizer.open(plain.path().resolve(ModelDirectory.TOKENIZER))) {
            int own = tokenizer.id("<|im_end|>").orElseThrow();
            int word = tokenizer.id("<|endoftext|>").orElseThrow();
            assertThat(StopTokens.of(plain, tokenizer)).containsExactly(own);
            Files.writeString(
                    plain.path().resolve(ModelDirectory.CHAT_TEMPLATE),
                    TemplateSource.of(NamedTemplates.find("bailing").orElseThrow()));
            assertThat(StopTokens.of(ModelDirectory.open(plain.path()), tokenizer))
                    .containsExactlyInAnyOrder(own, word);
        }
    }

    private static MethodSettings group(Method method, double price, boolean leave, int most) {
        GroupSettings tiny =
                (GroupSettings) TinyModel.spec(method, TinyModel.FULL, Precision.FP32).settings();
        GroupSettings.Rewarding usual = tiny.rewarding();
        return new GroupSettings(
                method,
                4,
                new Ppo.Rollout(most, 1, 1, 0),
                tiny.loss(),
                new GroupSettings.Rewarding(usual.advantage(), false, price, leave),
                new GroupSettings.Updates(1, 1),
                tiny.exam(),
                tiny.grader(),
                Reference.START);
    }

    private static List<Double> norms(Recorder run) {
        return run.steps.stream().map(StepReport::gradientNorm).toList();
    }

    private Recorder train(MethodSettings settings, int steps) throws IOException {
        ResolvedSpec plain = TinyModel.spec(settings.method(), TinyModel.FULL, Precision.FP32);
        return model.train(TinyModel.steps(plain.with(settings), steps));
    }
}
