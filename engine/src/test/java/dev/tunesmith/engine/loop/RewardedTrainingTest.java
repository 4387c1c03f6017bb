package dev.tunesmith.engine.loop;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tunesmith.contracts.grade.Formula;
import dev.tunesmith.contracts.job.Precision;
import dev.tunesmith.contracts.job.ResolvedSpec;
import dev.tunesmith.contracts.method.Grader;
import dev.tunesmith.contracts.method.GroupSettings;
import dev.tunesmith.contracts.method.Method;
import dev.tunesmith.contracts.method.MethodSettings;
import dev.tunesmith.contracts.method.ModelRole;
import dev.tunesmith.contracts.method.Reference;
import dev.tunesmith.engine.loop.LoopObserver.Stop;
import dev.tunesmith.engine.loop.TrainingRun.Sources;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// A reward model that one job trained is the grader of another.
class RewardedTrainingTest {

    @TempDir Path folder;

    @Test
    void aTrainedRewardModelGradesAnswers() throws IOException {
        TinyModel model = TinyModel.create(Files.createDirectory(folder.resolve("model")));
        ResolvedSpec reward =
                TinyModel.spec(Method.REWARD_MODEL, TinyModel.lora(0), Precision.FP32);
        Path trained = Files.createDirectory(folder.resolve("reward"));
        train(reward, model.sources(Method.REWARD_MODEL), trained);
        Sources prompts = model.sources(Method.GRPO);
        var judge = new Sources.Companion(prompts.base(), Optional.of(trained));
        for (Method method : new Method[] {Method.GRPO, Method.PPO}) {
            ResolvedSpec plain = TinyModel.spec(method, TinyModel.lora(0), Precision.FP32);
            ResolvedSpec spec = plain.with(judged(plain.settings(), new Grader.Scored("reward")));
            Sources sources =
                    new Sources(
                            prompts.base(),
                            prompts.training(),
                            Optional.empty(),
                            Map.of(ModelRole.REWARD_MODEL, judge),
                            Optional.empty(),
                            List.of());
            Recorder recorder =
                    train(spec, sources, Files.createDirectory(folder.resolve(method.wire())));
            String score = method == Method.PPO ? "objective/scores" : "reward";
            assertThat(recorder.steps.getFirst().metrics().get(score))
                    .as("a score of a model is no verdict of 0 or 1")
                    .isNotIn(0.0, 1.0)
                    .satisfies(value -> assertThat(Double.isFinite(value)).isTrue());
        }
    }

    @Test
    void aModelIsAskedWhatItThinksOfAnswers() throws IOException {
        TinyModel model = TinyModel.create(Files.createDirectory(folder.resolve("model")));
        Sources prompts = model.sources(Method.GRPO);
        var question = new Grader.Asked.Line("user", "How good is {{sample.output_text}}?");
        Grader asked =
                new Grader.Asked(
                        "judge", List.of(question), new Grader.Asked.Sampling(4, 0, 1, 0), 2, 3);
        Grader half =
                new Grader.Multi(Map.of("good", asked), Map.of(), Formula.of("good / 2 + 10"));
        ResolvedSpec plain = TinyModel.spec(Method.GRPO, TinyModel.lora(0), Precision.FP32);
        ResolvedSpec spec = plain.with(judged(plain.settings(), half));
        var judge = new Sources.Companion(prompts.base(), Optional.empty());
        Sources sources =
                new Sources(
                        prompts.base(),
                        prompts.training(),
                        Optional.empty(),
                        Map.of(ModelRole.SCORE_MODEL, judge),
                        Optional.empty(),
                        List.of());
        Recorder recorder = train(spec, sources, Files.createDirectory(folder.resolve("grpo")));
        assertThat(recorder.steps.getFirst().metrics().get("reward")).isBetween(11.0, 11.5);
    }

    private static MethodSettings judged(MethodSettings settings, Grader grader) {
        return switch (settings) {
            case GroupSettings group ->
                    new GroupSettings(
                            group.method(),
                            group.answers(),
                            group.rollout(),
                            group.loss(),
                            group.rewarding(),
                            group.updates(),
                            group.exam(),
                            grader,
                            Reference.START);
            case MethodSettings.Ppo ppo ->
                    new MethodSettings.Ppo(
                            ppo.rollout(),
                            ppo.distance(),
                            ppo.credit(),
                            ppo.update(),
                            grader,
                            Reference.START);
            default -> settings;
        };
    }

    private Recorder train(ResolvedSpec spec, Sources sources, Path out) throws IOException {
        Path room = Files.createDirectory(out.resolveSibling(out.getFileName() + "-room"));
        Recorder recorder = new Recorder(_ -> Stop.NO, _ -> {});
        try (TrainingRun run = TrainingRun.prepare(spec, sources, room, TinyModel.BYTES)) {
            if (run.loop(run.start(), recorder).run() instanceof Outcome.Finished(LoopState end)) {
                run.writeResult(out, end);
            }
        }
        return recorder;
    }
}
