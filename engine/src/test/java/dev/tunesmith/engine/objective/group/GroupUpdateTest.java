package dev.tunesmith.engine.objective.group;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.tunesmith.contracts.method.GroupLoss;
import dev.tunesmith.contracts.method.GroupLoss.Kind;
import dev.tunesmith.engine.data.BatchBuilder;
import dev.tunesmith.engine.data.Sample;
import dev.tunesmith.engine.io.ModelDirectory;
import dev.tunesmith.engine.model.Decoder;
import dev.tunesmith.engine.nn.Parameter;
import dev.tunesmith.engine.objective.Policy;
import dev.tunesmith.engine.objective.ScoredBatch;
import dev.tunesmith.engine.objective.group.GroupUpdate.Answer;
import dev.tunesmith.engine.objective.group.GroupUpdate.Totals;
import dev.tunesmith.engine.tape.CheckpointPolicy;
import dev.tunesmith.engine.tape.Tape;
import dev.tunesmith.engine.tensor.DType;
import dev.tunesmith.engine.tensor.Region;
import dev.tunesmith.engine.tensor.StepArena;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Gradients of the group losses against differences of the losses themselves.
class GroupUpdateTest {

    private static final double STEP = 2e-2;

    /// Two answers of different lengths, one good and one bad, near what the model thinks of them.
    private static final List<Sample> DOCUMENTS =
            List.of(
                    new Sample(new int[] {1, 40, 41, 42, 43}, new float[] {0, 0, 1, 1, 1}),
                    new Sample(new int[] {1, 50, 51, 52}, new float[] {0, 0, 1, 1}));

    private static GroupLoss settings(Kind kind, boolean perSequence, double price, double bonus) {
        return new GroupLoss(
                kind,
                perSequence,
                new GroupLoss.Clip(0.9, 9, 50.0),
                new GroupLoss.Price(price, price > 0.1),
                new GroupLoss.Entropy(bonus, 1, null));
    }

    @ParameterizedTest
    @CsvSource({
        "GRPO,false,0,0",
        "GRPO,true,0.05,0",
        "BNPO,false,0.2,0",
        "DR_GRPO,true,0.2,0",
        "DAPO,false,0,0.1",
        "LUSPO,true,0,0",
        "SAPO,false,0,0",
        "SAPO,true,0,0",
        "RLOO,false,0,0"
    })
    void theGradientIsThatOfTheLoss(Kind kind, boolean perSequence, double price, double bonus) {
        try (Run run = new Run(settings(kind, perSequence, price, bonus))) {
            double slope = run.slope();
            assertThat(slope).isGreaterThan(1e-4);
            assertThat(run.difference()).isCloseTo(slope, within(0.02 * slope));
        }
    }

    @Test
    void aBadAnswerFarFromThePolicyIsLeftOut() {
        var entropy = new GroupLoss.Entropy(0, 1, -100.0);
        GroupLoss usual = settings(Kind.GRPO, false, 0, 0);
        var left = new GroupLoss(Kind.GRPO, false, usual.clip(), usual.price(), entropy);
        try (Run all = new Run(usual);
                Run good = new Run(left)) {
            assertThat(good.loss(false)).isLessThan(all.loss(false));
        }
    }

    @Test
    void theLeastOpenTokensDoNotTrain() {
        GroupUpdate.Open open = GroupUpdate.Open.share(new float[] {4, 1, 3, 2, 5}, 0.4);
        assertThat(open.entropyMin()).isCloseTo(3.4, within(1e-9));
        assertThat(open.tokens()).isEqualTo(2);
    }

    /// A loss with a model to compute it on.
    private static final class Run implements AutoCloseable {
        private final StepArena arena = StepArena.unlimited();
        private final Region region = Region.lasting("group losses");
        private final Decoder model =
                Decoder.load(
                        ModelDirectory.open(Path.of("../golden/methods/models/policy")),
                        DType.F32,
                        Decoder.Loading.WRITABLE);
        private final GroupUpdate update;
        private final List<Answer> answers;
        private final Parameter moved;

        Run(GroupLoss settings) {
            model.trainAll(region);
            this.update =
                    new GroupUpdate(new Policy(model, CheckpointPolicy.keepAll()), settings, 1);
            this.answers = List.of(answer(0, 0.7), answer(1, -0.4));
            this.moved = model.parameter("model.norm.weight").orElseThrow();
        }

        private Answer answer(int row, double advantage) {
            Sample document = DOCUMENTS.get(row);
            float[] now =
                    ScoredBatch.measure(model, arena, new BatchBuilder().add(document).build(), 1)
                            .logProbs_M();
            double[] old = new double[now.length];
            double[] reference = new double[now.length];
            for (int t = 0; t < now.length; t++) {
                old[t] = now[t] - 0.2 + 0.1 * t;
                reference[t] = now[t] + 0.3 - 0.2 * t;
            }
            return new Answer(document, old, reference, advantage);
        }

        double loss(boolean gradient) {
            model.trainable().forEach(Parameter::clearGradient);
            try (Region step = arena.open("step")) {
                Tape tape = gradient ? Tape.recording(arena, step, 0) : Tape.silent(arena, step);
                double mean = update.loss(tape, answers, Totals.of(answers, 7)).mean();
                if (gradient) {
                    tape.backward();
                }
                return mean;
            }
        }

        /// Steepest slope by the last norm's weights.
        double slope() {
            double _ = loss(true);
            double squares = 0;
            for (float g : moved.gradient().toFloats()) {
                squares += (double) g * g;
            }
            return Math.sqrt(squares);
        }

        /// The same from two losses beside each other.
        double difference() {
            float[] gradient = moved.gradient().toFloats();
            double length = slope();
            float[] weights = moved.value().toFloats();
            return (at(weights, gradient, STEP / length) - at(weights, gradient, -STEP / length))
                    / (2 * STEP);
        }

        private double at(float[] weights, float[] gradient, double factor) {
            float[] shifted = weights.clone();
            for (int i = 0; i < shifted.length; i++) {
                shifted[i] += (float) (factor * gradient[i]);
            }
            moved.value().set(shifted);
            double loss = loss(false);
            moved.value().set(weights);
            return loss;
        }

        @Override
        public void close() {
            arena.close();
            model.close();
            region.close();
        }
    }
}
