package dev.tunesmith.kernels.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tunesmith.kernels.KernelException;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class CrossEntropyTest {
    private static final int IGNORED = -100;

    @AfterEach
    void reset() {
        Machine.reset();
    }

    @ParameterizedTest
    @MethodSource("dev.tunesmith.kernels.cpu.Machine#all")
    void lossesAndGradientsEqualTheirDefinition(Machine machine) {
        machine.use();
        Element type = machine.type();
        for (CrossEntropy options :
                List.of(
                        options(type, 1, 1, 0, 0),
                        options(type, 61, 1, 0, 0),
                        options(type, 257, 0.7f, 5, 0.1f),
                        options(type, 1000, 1, 30, 0))) {
            check(options);
        }
    }

    private static CrossEntropy options(
            Element type, int vocabulary, float scale, float softcap, float smoothing) {
        float zLoss = smoothing > 0 ? 1e-2f : 0;
        return new CrossEntropy(
                type, 4, vocabulary, vocabulary + 3, scale, softcap, smoothing, zLoss, 0.25f, 2);
    }

    private static void check(CrossEntropy options) {
        Element type = options.type();
        int vocabulary = (int) options.vocabulary();
        int stride = (int) options.stride();
        double[] z = Numbers.scaled(type, Numbers.wave(type, 4 * stride, 1), 4);
        int[] labels = {0, vocabulary - 1, IGNORED, vocabulary / 2};
        float[] weights = {1, 0.5f, 1, 2};
        float[] entropyWeights = {0.5f, 0, 1, -1.5f};
        try (var memory = new Fenced()) {
            long logits = memory.floats(type, z);
            long losses = memory.room(Element.F32, 4);
            long lse = memory.room(Element.F32, 4);
            long correct = memory.room(4 * 4L);
            long statistics = memory.room(Element.F32, 12);
            var tokens =
                    new CrossEntropy.Tokens(
                            memory.ints(labels),
                            memory.floats(Element.F32, 1, 0.5, 1, 2),
                            memory.floats(Element.F32, 0.5, 0, 1, -1.5),
                            losses,
                            lse,
                            correct,
                            statistics);
            options.forward(logits, tokens);
            Tolerance.EXACT.check("untouched logits", type, z, memory.read(type, logits));
            options.forwardBackwardInPlace(logits, tokens);

            double[] expectedLosses = new double[4];
            double[] gradient = z.clone();
            double[] shapes = new double[12];
            for (int r = 0; r < 4; r++) {
                int row = r;
                double[] x = java.util.Arrays.copyOfRange(z, r * stride, r * stride + vocabulary);
                expectedLosses[r] = loss(options, x, labels[r]);
                double factor = options.gradientScale() * weights[r];
                double[] slope =
                        Slope.of(
                                x,
                                new double[] {factor},
                                in ->
                                        new double[] {
                                            loss(options, in, labels[row])
                                                    + turned(options, in, labels[row])
                                                            * entropyWeights[row]
                                                            / weights[row]
                                        });
                System.arraycopy(statistics(options, x), 0, shapes, 3 * r, 3);
                System.arraycopy(slope, 0, gradient, r * stride, vocabulary);
                boolean largest =
                        labels[r] >= 0
                                && java.util.Arrays.stream(x).max().orElseThrow() == x[labels[r]];
                assertThat(memory.readInts(correct)[r]).isEqualTo(largest ? 1 : 0);
            }
            Tolerance.CROSS_ENTROPY.check(
                    "loss", type, expectedLosses, memory.read(Element.F32, losses));
            Tolerance.CROSS_ENTROPY.check(
                    "statistics", type, shapes, memory.read(Element.F32, statistics));
            Tolerance.CROSS_ENTROPY_GRADIENT.check(
                    "gradient of " + options, type, gradient, memory.read(type, logits));
        }
    }

    private static double loss(CrossEntropy o, double[] z, int label) {
        if (label == IGNORED) {
            return 0;
        }
        double[] x = new double[z.length];
        double mean = 0;
        double sum = 0;
        for (int i = 0; i < z.length; i++) {
            x[i] = o.scale() * z[i];
            if (o.softcap() > 0) {
                x[i] = o.softcap() * Math.tanh(x[i] / o.softcap());
            }
            mean += x[i] / z.length;
            sum += Math.exp(x[i]);
        }
        double lse = Math.log(sum);
        return (1 - o.smoothing()) * (lse - x[label])
                + o.smoothing() * (lse - mean)
                + o.zLoss() * lse * lse;
    }

    private static double turned(CrossEntropy o, double[] z, int label) {
        return label == IGNORED ? 0 : statistics(o, z)[0];
    }

    /// Entropy, mean logit and log Σp² by their definition.
    private static double[] statistics(CrossEntropy o, double[] z) {
        double lse = 0;
        double mean = 0;
        double[] x = new double[z.length];
        for (int i = 0; i < z.length; i++) {
            x[i] = o.scale() * z[i];
            x[i] = o.softcap() > 0 ? o.softcap() * Math.tanh(x[i] / o.softcap()) : x[i];
            lse += Math.exp(x[i]);
            mean += x[i] / z.length;
        }
        lse = Math.log(lse);
        double entropy = 0;
        double squares = 0;
        for (double value : x) {
            double p = Math.exp(value - lse);
            entropy -= p * (value - lse);
            squares += p * p;
        }
        return new double[] {entropy, mean, Math.log(squares)};
    }

    @Test
    void staysFiniteForLogitsOfAThousand() {
        try (var memory = new Fenced()) {
            long logits = memory.floats(Element.F32, 1000, -1000, 999);
            long losses = memory.room(Element.F32, 1);
            new CrossEntropy(Element.F32, 1, 3, 3, 1, 0, 0, 0, 1, 1)
                    .forwardBackwardInPlace(
                            logits, new CrossEntropy.Tokens(memory.ints(0), 0, losses, 0, 0));
            assertThat(memory.read(Element.F32, losses)[0]).isBetween(0.31325f, 0.31327f);
            assertThat(memory.read(Element.F32, logits)[1]).isZero();
        }
    }

    @Test
    void refusesALabelOutsideTheVocabulary() {
        try (var memory = new Fenced()) {
            long logits = memory.floats(Element.F32, 1, 2, 3);
            var tokens = new CrossEntropy.Tokens(memory.ints(3), 0, memory.room(4), 0, 0);
            assertThatThrownBy(() ->
                            new CrossEntropy(Element.F32, 1, 3, 3, 1, 0, 0, 0, 1, 1)
                                    .forward(logits, tokens))
                    .isInstanceOf(KernelException.class)
                    .hasMessageContaining("cross_entropy");
        }
    }
}
