package dev.tunesmith.kernels.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tunesmith.kernels.KernelException;
import java.util.Comparator;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class SamplingTest {
    private static final double ROUNDING = 1e-4;

    @AfterEach
    void reset() {
        Machine.reset();
    }

    @ParameterizedTest
    @MethodSource("dev.tunesmith.kernels.cpu.Machine#levels")
    void drawsWhereTheSumOfProbabilitiesReachesTheNumber(Machine machine) {
        machine.use();
        var random = new SplittableRandom(7);
        for (int count : new int[] {1, 5, 16, 511, 513, 2000}) {
            float[] logits = new float[count];
            for (int i = 0; i < count; i++) {
                logits[i] = (float) (random.nextGaussian() * 3);
            }
            logits[count / 2] = logits[0];
            for (double[] limits :
                    new double[][] {
                        {1, 0, 0}, {0.7, 0, 0}, {1, 0.05, 0}, {1, 0, 3}, {0.8, 0.01, 40}
                    }) {
                for (int i = 0; i < 20; i++) {
                    double uniform = random.nextDouble();
                    var choice =
                            new Sampling.Choice(
                                    0.7, limits[0], limits[1], (int) limits[2], uniform);
                    assertThat(draw(logits, choice))
                            .as("%s of %d", choice, count)
                            .isIn(near(logits, choice));
                }
            }
        }
    }

    @ParameterizedTest
    @MethodSource("dev.tunesmith.kernels.cpu.Machine#levels")
    void takesTheFirstOfEqualsAndNeverWhatIsImpossible(Machine machine) {
        machine.use();
        float[] logits = new float[1300];
        logits[700] = 500;
        assertThat(draw(logits, new Sampling.Choice(1, 1, 0, 0, 0.999999))).isEqualTo(700);
        assertThat(draw(new float[1300], new Sampling.Choice(1, 1e-9, 0, 0, 0.5))).isZero();
        assertThat(draw(new float[1300], new Sampling.Choice(1, 1, 0, 2, 0.75))).isEqualTo(1);
        assertThat(draw(new float[1300], new Sampling.Choice(1, 1, 0, 0, 0.5))).isEqualTo(650);
    }

    @ParameterizedTest
    @MethodSource("dev.tunesmith.kernels.cpu.Machine#levels")
    void saysWhenThereAreNoNumbers(Machine machine) {
        machine.use();
        for (float strange :
                new float[] {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY}) {
            for (int at : new int[] {0, 40}) {
                float[] logits = new float[41];
                logits[at] = strange;
                assertThat(draw(logits, new Sampling.Choice(1, 1, 0, 0, 0.5))).isEqualTo(-1);
            }
        }
        assertThatThrownBy(() -> draw(new float[3], new Sampling.Choice(0, 1, 0, 0, 0.5)))
                .isInstanceOf(KernelException.class);
        assertThatThrownBy(() -> draw(new float[3], new Sampling.Choice(1, 1, 0, 0, 1)))
                .isInstanceOf(KernelException.class);
    }

    private static int draw(float[] logits, Sampling.Choice choice) {
        double[] wide = IntStream.range(0, logits.length).mapToDouble(i -> logits[i]).toArray();
        try (var memory = new Fenced()) {
            return Sampling.draw(
                    memory.floats(Element.F32, wide),
                    logits.length,
                    memory.room(Sampling.scratchBytes(logits.length)),
                    choice);
        }
    }

    /// What may be drawn by numbers that differ by rounding.
    private static List<Integer> near(float[] logits, Sampling.Choice choice) {
        return IntStream.rangeClosed(-2, 2)
                .mapToObj(step -> expected(logits, choice, choice.uniform() + step * ROUNDING / 2))
                .distinct()
                .collect(Collectors.toList());
    }

    private static int expected(float[] logits, Sampling.Choice choice, double uniform) {
        List<Integer> ids = IntStream.range(0, logits.length).boxed().collect(Collectors.toList());
        double largest = ids.stream().mapToDouble(id -> logits[id]).max().orElseThrow();
        double[] weights =
                ids.stream()
                        .mapToDouble(id -> Math.exp((logits[id] - largest) / choice.temperature()))
                        .toArray();
        boolean cut = choice.topP() < 1 || choice.minP() > 0 || choice.topK() > 0;
        if (cut) {
            ids.sort(Comparator.comparingDouble((Integer id) -> -logits[id]));
            if (choice.topK() > 0 && choice.topK() < ids.size()) {
                ids = ids.subList(0, choice.topK());
            }
            double all = ids.stream().mapToDouble(id -> weights[id]).sum();
            int kept = 0;
            double reached = 0;
            while (kept < ids.size()
                    && (kept == 0
                            || (reached < choice.topP() * all
                                    && weights[ids.get(kept)] >= choice.minP()))) {
                reached += weights[ids.get(kept++)];
            }
            ids = ids.subList(0, kept);
        }
        double left = Math.clamp(uniform, 0, 1) * ids.stream().mapToDouble(id -> weights[id]).sum();
        for (int id : ids) {
            left -= weights[id];
            if (left < 0) {
                return id;
            }
        }
        return ids.getLast();
    }
}
