package dev.tunesmith.engine.loop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.tunesmith.contracts.job.AdapterSpec;
import dev.tunesmith.contracts.job.Precision;
import dev.tunesmith.contracts.job.ResolvedSpec;
import dev.tunesmith.contracts.method.GroupLoss;
import dev.tunesmith.contracts.method.GroupSettings;
import dev.tunesmith.contracts.method.Method;
import dev.tunesmith.contracts.method.MethodSettings;
import dev.tunesmith.contracts.method.Reference;
import dev.tunesmith.contracts.method.TokenLoss;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/// A step of six rows of unequal lengths is the same however it is cut into parts: means are over
/// the tokens, pairs or answers of the whole step.
class AccumulationTest {

    /// Later steps carry the rounding of earlier ones, which a drawn answer can turn into another
    /// word.
    private static final int STEPS = 5;

    /// The fewest in which answers that were drawn once are used twice.
    private static final int FEW_STEPS = 3;

    @TempDir Path folder;
    private TinyModel model;
    private int rooms;

    @BeforeEach
    void createModel() throws IOException {
        model = TinyModel.create(Files.createDirectory(folder.resolve("model")));
        for (String file : List.of("chat.jsonl", "pairs.jsonl", "judged.jsonl")) {
            makeUneven(model.folder().resolve(file));
        }
    }

    /// Answers of few and of many words: a mean of means of parts would be another number.
    private static void makeUneven(Path file) throws IOException {
        List<String> rows = new ArrayList<>(Files.readAllLines(file));
        for (int i = 0; i < rows.size(); i++) {
            String words = "The ".repeat(1 + 5 * (i * i % 3));
            rows.set(i, rows.get(i).replace("\"The ", "\"" + words));
        }
        Files.write(file, rows);
    }

    @ParameterizedTest
    @EnumSource(Method.class)
    void partsOfAStepAddUpToTheWhole(Method method) throws IOException {
        AdapterSpec adapter = method.wire().length() % 2 == 0 ? TinyModel.lora(0) : TinyModel.FULL;
        requireSameSteps(TinyModel.spec(method, adapter, Precision.FP32), STEPS, List.of(1, 2, 4));
    }

    /// Tokens, whole answers and groups of them count in different ways.
    static Stream<MethodSettings> ways() {
        return Stream.concat(
                Arrays.stream(TokenLoss.values()).map(EveryOfferTest::tokens),
                Arrays.stream(GroupLoss.Kind.values())
                        .flatMap(kind ->
                                Stream.of(false, true)
                                        .map(whole -> EveryOfferTest.group(kind, whole))
                                        .map(AccumulationTest::drawingMore)));
    }

    /// Room for answers that end and answers that do not.
    private static MethodSettings drawingMore(GroupSettings usual) {
        return new GroupSettings(
                usual.method(),
                usual.answers(),
                new MethodSettings.Ppo.Rollout(24, 1, 1, 0),
                usual.loss(),
                usual.rewarding(),
                usual.updates(),
                usual.exam(),
                usual.grader(),
                Reference.START);
    }

    @ParameterizedTest
    @MethodSource("ways")
    void partsAddUpHoweverTokensCount(MethodSettings settings) throws IOException {
        ResolvedSpec plain = TinyModel.spec(settings.method(), TinyModel.lora(0), Precision.FP32);
        requireSameSteps(TinyModel.with(plain, settings), FEW_STEPS, List.of(1));
    }

    /// A weight of its own for an answer, none for another, and an answer of many words.
    @Test
    void partsAddUpWhereRowsWeighDifferently() throws IOException {
        Path chats = model.folder().resolve("chat.jsonl");
        List<String> rows = new ArrayList<>(Files.readAllLines(chats));
        for (int i = 0; i < rows.size(); i += 2) {
            rows.set(
                    i,
                    """
                    {"messages":[{"role":"user","content":"What?"},\
                    {"role":"assistant","content":"No idea.","weight":%d},\
                    {"role":"user","content":"And?"},\
                    {"role":"assistant","content":"%s","weight":1}]}\
                    """
                            .formatted(i / 2 % 2, "The sky. ".repeat(1 + i % 3)));
        }
        Files.write(chats, rows);
        ResolvedSpec plain = TinyModel.spec(Method.SUPERVISED, TinyModel.FULL, Precision.FP32);
        requireSameSteps(plain, STEPS, List.of(1, 4));
    }

    private void requireSameSteps(ResolvedSpec spec, int count, List<Integer> parts)
            throws IOException {
        ResolvedSpec whole = TinyModel.steps(TinyModel.inParts(spec, 6), count);
        List<StepReport> expected = steps(whole);
        assertThat(expected).hasSize(count);
        for (int rows : parts) {
            List<StepReport> cut = steps(TinyModel.inParts(whole, rows));
            for (int i = 0; i < count; i++) {
                double loss = expected.get(i).loss();
                double norm = expected.get(i).gradientNorm();
                assertThat(cut.get(i).loss())
                        .as("loss of step %d in parts of %d rows", i + 1, rows)
                        .isCloseTo(loss, within(2e-4 * (1 + Math.abs(loss))));
                assertThat(cut.get(i).gradientNorm())
                        .as("gradient norm of step %d in parts of %d rows", i + 1, rows)
                        .isCloseTo(norm, within(5e-3 * (1 + norm)));
            }
        }
    }

    private List<StepReport> steps(ResolvedSpec spec) throws IOException {
        Recorder recorder = new Recorder();
        Path room = Files.createDirectory(folder.resolve("room" + rooms++));
        try (TrainingRun run =
                TrainingRun.prepare(spec, model.sources(spec.method()), room, TinyModel.BYTES)) {
            Outcome _ = run.loop(run.start(), recorder).run();
        }
        return recorder.steps;
    }
}
