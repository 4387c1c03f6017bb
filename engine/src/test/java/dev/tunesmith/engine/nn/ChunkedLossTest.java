package dev.tunesmith.engine.nn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.tunesmith.engine.tape.Tape;
import dev.tunesmith.engine.tensor.DType;
import dev.tunesmith.engine.tensor.Region;
import dev.tunesmith.engine.tensor.StepArena;
import dev.tunesmith.engine.tensor.Tensor;
import java.util.Objects;
import java.util.SplittableRandom;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// What the head computes a chunk at a time equals the same from logits that exist as a whole, in
/// fp64: values, and gradients of hidden states and head. The sizes make several chunks and a rest;
/// every seventh row has no label.
class ChunkedLossTest {

    private static final int IGNORED = -100;
    private static final double SCALE = 0.01;

    /// The whole logits of the labelled rows as softmax, and what follows from slopes by them.
    private static final class Whole {
        private final Case size;
        private final double[][] logP_MV;
        private final double[] dHidden_ND;
        private final double[] dHead_VD;

        Whole(Case size) {
            this.size = size;
            this.logP_MV = new double[size.labelled.length][size.words];
            this.dHidden_ND = new double[size.rows * size.width];
            this.dHead_VD = new double[size.words * size.width];
            for (int m = 0; m < logP_MV.length; m++) {
                double[] z_V = logP_MV[m];
                double sum = 0;
                for (int v = 0; v < size.words; v++) {
                    for (int d = 0; d < size.width; d++) {
                        z_V[v] += (double) size.hidden(m, d) * size.head_VD[v * size.width + d];
                    }
                    sum += Math.exp(z_V[v]);
                }
                for (int v = 0; v < size.words; v++) {
                    z_V[v] -= Math.log(sum);
                }
            }
        }

        double entropy(int m) {
            double sum = 0;
            for (double logP : logP_MV[m]) {
                sum -= Math.exp(logP) * logP;
            }
            return sum;
        }

        /// Takes a row's slopes by its logits back.
        void back(int m, double[] slopes_V) {
            int n = size.labelled[m];
            for (int v = 0; v < size.words; v++) {
                for (int d = 0; d < size.width; d++) {
                    dHidden_ND[n * size.width + d] +=
                            slopes_V[v] * size.head_VD[v * size.width + d];
                    dHead_VD[v * size.width + d] += slopes_V[v] * size.hidden(m, d);
                }
            }
        }
    }

    /// Hidden states, a head and labels of odd sizes.
    private static final class Case {
        private final int rows;
        private final int words;
        private final int width;
        private final float[] hidden_ND;
        private final float[] head_VD;
        private final float[] weights_N;
        private final int[] labels_N;
        private final int[] labelled;

        Case(int rows, int words, int width) {
            var random = new SplittableRandom(rows);
            this.rows = rows;
            this.words = words;
            this.width = width;
            this.hidden_ND = new float[rows * width];
            this.head_VD = new float[words * width];
            this.weights_N = new float[rows];
            this.labels_N = new int[rows];
            for (int i = 0; i < hidden_ND.length; i++) {
                hidden_ND[i] = (float) random.nextGaussian();
            }
            for (int i = 0; i < head_VD.length; i++) {
                head_VD[i] = (float) (random.nextGaussian() / 2);
            }
            int count = 0;
            for (int n = 0; n < rows; n++) {
                weights_N[n] = 0.5f + n % 3;
                labels_N[n] = n % 7 == 3 ? IGNORED : random.nextInt(words);
                count += labels_N[n] == IGNORED ? 0 : 1;
            }
            this.labelled = new int[count];
            int m = 0;
            for (int n = 0; n < rows; n++) {
                if (labels_N[n] != IGNORED) {
                    labelled[m++] = n;
                }
            }
        }

        float hidden(int m, int d) {
            return hidden_ND[labelled[m] * width + d];
        }

        int label(int m) {
            return labels_N[labelled[m]];
        }

        double weight(int m) {
            return weights_N[labelled[m]];
        }
    }

    /// The head with a hidden state that takes gradients.
    private static final class Chunked implements AutoCloseable {
        private final Case size;
        private final StepArena arena = StepArena.unlimited();
        private final Region region = Region.lasting("head");
        private final Region step;
        private final Parameter weight;
        private final Head head;
        private final Head.Targets targets;
        private final Tensor hidden_ND;
        private final Tape tape;
        private final long before;

        Chunked(Case size) {
            this.size = size;
            this.weight =
                    new Parameter("head", region.floats(size.head_VD, size.words, size.width));
            this.weight.train(region);
            this.head = new Head(weight, null, 1, 0);
            this.targets = new Head.Targets(size.labels_N, size.weights_N, IGNORED);
            this.hidden_ND = region.tensor(DType.F32, size.rows, size.width);
            this.hidden_ND.set(size.hidden_ND);
            this.step = arena.open("step");
            this.tape = Tape.recording(arena, step, 0);
            this.tape.track(hidden_ND);
            this.before = arena.peakBytes();
        }

        void requireSameGradients(Whole whole) {
            // Sums over so many words in fp32 lose more of the small parts.
            double share = size.words > 100_000 ? 5e-4 : 1e-4;
            close(
                    "hidden",
                    Objects.requireNonNull(tape.gradientOf(hidden_ND)),
                    whole.dHidden_ND,
                    share);
            close("head", weight.gradient(), whole.dHead_VD, share);
            long all = (long) size.labelled.length * size.words * Float.BYTES;
            assertThat(arena.peakBytes() - before)
                    .as("bytes of the step, where whole logits take %d", all)
                    .isLessThan(all * 2 / 3);
        }

        private static void close(String name, Tensor found, double[] expected, double share) {
            float[] values = found.toFloats();
            double largest = 0;
            for (double value : expected) {
                largest = Math.max(largest, Math.abs(value));
            }
            assertThat(largest).isPositive();
            for (int i = 0; i < expected.length; i++) {
                if (Math.abs(values[i] - expected[i]) > share * largest) {
                    assertThat((double) values[i])
                            .as("gradient of %s at %d", name, i)
                            .isCloseTo(expected[i], within(share * largest));
                }
            }
        }

        @Override
        public void close() {
            step.close();
            arena.close();
            region.close();
        }
    }

    @ParameterizedTest
    @CsvSource({"4133, 517, 23, 0", "4133, 517, 23, 0.1", "71, 400009, 3, 0.1"})
    void crossEntropy(int rows, int words, int width, double smoothing) {
        var size = new Case(rows, words, width);
        var whole = new Whole(size);
        double expected = 0;
        double entropy = 0;
        for (int m = 0; m < size.labelled.length; m++) {
            double[] slopes_V = new double[words];
            double loss = 0;
            for (int v = 0; v < words; v++) {
                double wanted = smoothing / words + (v == size.label(m) ? 1 - smoothing : 0);
                loss -= wanted * whole.logP_MV[m][v];
                slopes_V[v] = SCALE * size.weight(m) * (Math.exp(whole.logP_MV[m][v]) - wanted);
            }
            expected += size.weight(m) * loss;
            entropy += whole.entropy(m);
            whole.back(m, slopes_V);
        }
        try (var chunked = new Chunked(size)) {
            Head.Losses found =
                    chunked.head.loss(
                            chunked.tape, chunked.hidden_ND, chunked.targets, SCALE, smoothing);
            assertThat(found.weighted()).isCloseTo(expected, within(1e-5 * expected));
            assertThat(found.entropy()).isCloseTo(entropy, within(1e-5 * entropy));
            chunked.requireSameGradients(whole);
        }
    }

    /// What preferences and policies are made of: each label's log-probability and each
    /// distribution's entropy, and slopes by either.
    @ParameterizedTest
    @CsvSource({
        "4133, 517, 23, true, false",
        "4133, 517, 23, false, true",
        "4133, 517, 23, true, true",
        "71, 400009, 3, true, true"
    })
    void logProbabilitiesAndEntropies(
            int rows, int words, int width, boolean ofLabels, boolean ofEntropies) {
        var size = new Case(rows, words, width);
        var whole = new Whole(size);
        int count = size.labelled.length;
        float[] byLabel_M = new float[count];
        float[] byEntropy_M = new float[count];
        for (int m = 0; m < count; m++) {
            byLabel_M[m] = ofLabels ? (float) Math.sin(m) : 0;
            byEntropy_M[m] = ofEntropies ? (float) Math.cos(m) : 0;
            double[] slopes_V = new double[words];
            double entropy = whole.entropy(m);
            for (int v = 0; v < words; v++) {
                double logP = whole.logP_MV[m][v];
                slopes_V[v] =
                        byLabel_M[m] * ((v == size.label(m) ? 1 : 0) - Math.exp(logP))
                                - byEntropy_M[m] * Math.exp(logP) * (logP + entropy);
            }
            whole.back(m, slopes_V);
        }
        try (var chunked = new Chunked(size)) {
            Head.Scores found =
                    chunked.head.scores(chunked.tape, chunked.hidden_ND, chunked.targets, 1);
            for (int m = 0; m < count; m++) {
                assertThat((double) found.logProbs_M()[m])
                        .isCloseTo(whole.logP_MV[m][size.label(m)], within(1e-4));
                assertThat((double) found.entropies_M()[m])
                        .isCloseTo(whole.entropy(m), within(1e-4));
            }
            chunked.head.backward(
                    chunked.tape,
                    chunked.hidden_ND,
                    chunked.targets,
                    new Head.Slopes(byLabel_M, byEntropy_M),
                    1);
            chunked.requireSameGradients(whole);
        }
    }

    /// A loss of whole distributions: the divergence from a teacher's.
    @ParameterizedTest
    @CsvSource({"4133, 517, 23", "71, 400009, 3"})
    void divergenceFromATeacher(int rows, int words, int width) {
        var size = new Case(rows, words, width);
        var whole = new Whole(size);
        double expected = 0;
        for (int m = 0; m < size.labelled.length; m++) {
            double[] slopes_V = new double[words];
            for (int v = 0; v < words; v++) {
                double taught = taught(m, v, words);
                expected += taught * (Math.log(taught) - whole.logP_MV[m][v]);
                slopes_V[v] = Math.exp(whole.logP_MV[m][v]) - taught;
            }
            whole.back(m, slopes_V);
        }
        double[] found = new double[1];
        try (var chunked = new Chunked(size)) {
            chunked.head.look(
                    chunked.tape,
                    chunked.hidden_ND,
                    chunked.targets,
                    (m, logits_V, slopes_V) -> {
                        double sum = 0;
                        for (float logit : logits_V) {
                            sum += Math.exp(logit);
                        }
                        for (int v = 0; v < words; v++) {
                            double taught = taught(m, v, words);
                            double logP = logits_V[v] - Math.log(sum);
                            found[0] += taught * (Math.log(taught) - logP);
                            Objects.requireNonNull(slopes_V)[v] = (float) (Math.exp(logP) - taught);
                        }
                    });
            assertThat(found[0]).isCloseTo(expected, within(1e-5 * expected));
            chunked.requireSameGradients(whole);
        }
    }

    /// Probabilities that differ from row to row and add up to 1.
    private static double taught(int m, int v, int words) {
        double even = 0.5 / words;
        return v == (m * 31) % words ? 0.5 + even : even;
    }
}
