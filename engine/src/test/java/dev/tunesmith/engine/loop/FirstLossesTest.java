package dev.tunesmith.engine.loop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.tunesmith.contracts.job.AdapterSpec;
import dev.tunesmith.contracts.job.Precision;
import dev.tunesmith.contracts.job.ResolvedSpec;
import dev.tunesmith.contracts.method.Method;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// The first ten losses of methods that compare or draw answers, as they were when their formulas
/// had been checked; those of conversations and documents are in [TrainingLoopTest]. A change of
/// these numbers is a change of what users get.
class FirstLossesTest {

    /// Different instruction sets round differently; a wrong variant is a hundred times further
    /// off.
    private static final double NEAR = 2e-4;

    @TempDir Path folder;
    private TinyModel model;

    @BeforeEach
    void createModel() throws IOException {
        model = TinyModel.create(Files.createDirectory(folder.resolve("model")));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            textBlock =
                    """
                    REWARD_MODEL | false | 0.694846 0.692707 0.651649 0.608048 0.504172 0.423317 0.338053 0.287240 0.233782 0.192664
                    DPO          | false | 0.693147 0.693147 0.627194 0.486620 0.408128 0.357975 0.327115 0.315442 0.269466 0.273528
                    DPO          | true  | 0.693147 0.693147 0.353939 0.185228 0.115523 0.068257 0.046664 0.034336 0.026070 0.022556
                    KTO          | false | 0.500000 0.500000 0.487439 0.445719 0.411381 0.412061 0.410532 0.380885 0.345436 0.395566
                    ORPO         | false | 6.254168 6.257603 6.137612 5.898804 5.715751 5.562282 5.469793 5.376009 5.255864 5.265424
                    PPO          | false | 0.563751 -0.116552 0.525694 -0.237341 0.436576 -0.303473 0.537185 -0.137149 0.515356 -0.201877
                    PPO          | true  | 0.563751 -0.116552 0.421712 -0.304362 0.352766 -0.336247 0.483031 -0.122146 0.396189 -0.254239
                    GRPO         | false | 0 0 -0.025588 -0.021720 0.000693 -0.000828 -0.049419 -0.025335 0.004436 0.003667
                    GRPO         | true  | 0 0 -0.081047 -0.039104 0.005638 -0.007922 -0.087782 -0.062493 0.008161 0.003422
                    DISTILL      | false | 3.091335 3.092386 2.770942 2.780571 2.769332 2.763181 2.892608 2.675140 2.760367 2.834701
                    """)
    void theFirstTenLossesAreWhatTheyWere(Method method, boolean whole, String expected)
            throws IOException {
        AdapterSpec adapter = whole ? TinyModel.FULL : TinyModel.lora(0);
        ResolvedSpec spec =
                TinyModel.holdingOut(TinyModel.spec(method, adapter, Precision.FP32), 0);
        Recorder recorder = new Recorder();
        Path room = Files.createDirectory(folder.resolve("room"));
        try (TrainingRun run =
                TrainingRun.prepare(spec, model.sources(method), room, TinyModel.BYTES)) {
            Outcome _ = run.loop(run.start(), recorder).run();
        }
        double[] losses =
                Arrays.stream(expected.split(" ", -1)).mapToDouble(Double::parseDouble).toArray();
        assertThat(losses).hasSize(10);
        for (int i = 0; i < losses.length; i++) {
            assertThat(recorder.losses().get(i))
                    .as("loss of step %d; all: %s", i + 1, recorder.losses())
                    .isCloseTo(losses[i], within(NEAR));
        }
    }
}
