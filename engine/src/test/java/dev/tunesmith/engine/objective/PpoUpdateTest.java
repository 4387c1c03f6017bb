package dev.tunesmith.engine.objective;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tunesmith.contracts.method.MethodSettings.Ppo;
import dev.tunesmith.engine.data.Sample;
import dev.tunesmith.engine.io.ModelDirectory;
import dev.tunesmith.engine.model.Decoder;
import dev.tunesmith.engine.model.ScoreHead;
import dev.tunesmith.engine.nn.Parameter;
import dev.tunesmith.engine.tape.CheckpointPolicy;
import dev.tunesmith.engine.tape.Tape;
import dev.tunesmith.engine.tensor.DType;
import dev.tunesmith.engine.tensor.Region;
import dev.tunesmith.engine.tensor.StepArena;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Answers that the policy has moved too far away from are left out of an update.
class PpoUpdateTest {

    private static final Sample DOCUMENT =
            new Sample(new int[] {1, 40, 41, 42}, new float[] {0, 0, 1, 1});
    private static final Ppo.Update SETTINGS = new Ppo.Update(1, 1, 20, 0.2, 0.1, 0.01);

    /// Both tokens have the same ratio, so that it is the mean.
    @ParameterizedTest
    @CsvSource({"9.9,true", "10.1,false", "1e300,false"})
    void aMeanRatioAboveTenIsSkipped(double ratio, boolean trains) {
        try (StepArena arena = StepArena.unlimited();
                Region region = Region.lasting("ppo update");
                Decoder model = policy()) {
            model.trainAll(region);
            ScoreHead head = ScoreHead.fresh(32, Optional.of(3L), region);
            head.parameters().forEach(parameter -> parameter.train(region));
            Policy policy = new Policy(model, CheckpointPolicy.keepAll());
            List<Experience> part = List.of(experience(model, arena, ratio));
            LossSum sum;
            try (Region step = arena.open("step")) {
                Tape tape = Tape.recording(arena, step, 0);
                sum =
                        new PpoUpdate(policy, head, SETTINGS, 1)
                                .loss(tape, part, PpoUpdate.Totals.of(part));
                tape.backward();
            }
            boolean moved =
                    Stream.concat(model.trainable().stream(), head.parameters().stream())
                            .anyMatch(PpoUpdateTest::moves);
            assertThat(moved).isEqualTo(trains);
            assertThat(sum.mean() != 0).isEqualTo(trains);
            assertThat(sum.mean()).isFinite();
        }
    }

    private static Decoder policy() {
        return Decoder.load(
                ModelDirectory.open(Path.of("../golden/methods/models/policy")),
                DType.F32,
                Decoder.Loading.WRITABLE);
    }

    private static boolean moves(Parameter parameter) {
        for (float value : parameter.gradient().toFloats()) {
            if (value != 0) {
                return true;
            }
        }
        return false;
    }

    private static Experience experience(Decoder model, StepArena arena, double ratio) {
        float[] now =
                ScoredBatch.measure(model, arena, PpoUpdate.documents(List.of(DOCUMENT)), 1)
                        .logProbs_M();
        double[] old = {now[0] - Math.log(ratio), now[1] - Math.log(ratio)};
        return new Experience(
                DOCUMENT, old, new double[2], new double[] {0.5, -0.3}, new double[] {1, 2});
    }
}
