package dev.tunesmith.engine.objective;

import dev.tunesmith.engine.data.TokenBatch;
import dev.tunesmith.engine.model.Decoder;
import dev.tunesmith.engine.tape.CheckpointPolicy;
import dev.tunesmith.engine.tape.Tape;
import dev.tunesmith.engine.tensor.DType;
import dev.tunesmith.engine.tensor.Region;
import dev.tunesmith.engine.tensor.StepArena;
import dev.tunesmith.engine.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// Learning from a teacher's whole distributions: the cross-entropy of the labels plus the
/// generalised Jensen-Shannon divergence (arXiv 2306.13649), each with its factor, averaged over
/// all labels of the step.
public record Distillation(Policy student, Decoder teacher, Settings settings)
        implements Objective {

    /// Teacher rows whose logits exist at once.
    private static final int CHUNK_ROWS = 64;

    /// What is compared, and how much it counts.
    ///
    /// @param beta 0 for KL(teacher ‖ student), 1 for KL(student ‖ teacher), between them the
    ///   divergence from the mixture with that share of the teacher
    /// @param temperature both distributions are softened by
    /// @param crossEntropy factor of the labels' cross-entropy
    /// @param divergence factor of the divergence
    /// @param confident multiplies the cross-entropy of a label by its probability, which takes no
    ///   gradient: with a reference as teacher that is ASFT (arXiv 2509.23753)
    public record Settings(
            double beta,
            double temperature,
            double crossEntropy,
            double divergence,
            boolean confident) {}

    @Override
    public Step begin(StepArena arena, List<TokenBatch> parts, Occasion occasion) {
        double weight = parts.stream().mapToDouble(TokenBatch::weightSum).sum();
        double scale = weight == 0 ? 0 : 1 / weight;
        return Step.of(parts, (tape, part) -> loss(tape, parts.get(part), scale));
    }

    private LossSum loss(Tape tape, TokenBatch batch, double scale) {
        Lesson lesson = Lesson.of(teacher, tape.arena(), batch);
        Tensor hidden_ND = student.forward(tape, batch);
        Sums sums = new Sums();
        student.model()
                .head()
                .look(
                        tape,
                        hidden_ND,
                        ScoredBatch.targets(batch),
                        (m, logits_V, slopes_V) -> {
                            float[] taught_V = lesson.logits(tape.arena(), m);
                            double weight = lesson.weights_M[m];
                            sums.weighted +=
                                    weight * row(logits_V, taught_V, lesson.labels_M[m], sums);
                            for (int v = 0; slopes_V != null && v < slopes_V.length; v++) {
                                slopes_V[v] = (float) (sums.slopes_V[v] * weight * scale);
                            }
                        });
        int labels = lesson.labels_M.length;
        Metrics metrics =
                new Metrics.Builder()
                        .mean("entropy", sums.entropy / Math.max(1, labels), labels)
                        .mean("divergence", sums.divergence / Math.max(1, labels), labels)
                        .build();
        return new LossSum(sums.weighted, batch.weightSum(), labels, labels, sums.correct, metrics);
    }

    /// Running sums over a part, and the slopes of the last row.
    private static final class Sums {
        private double[] slopes_V = new double[0];
        private double weighted;
        private double entropy;
        private double divergence;
        private long correct;
    }

    /// The loss of one row; its slopes by the student's logits are left in the sums.
    private double row(float[] student_V, float[] teacher_V, int label, Sums sums) {
        double soft = settings.temperature();
        double[] logS = logSoftmax(student_V, soft);
        double[] logT = logSoftmax(teacher_V, soft);
        double[] slopes = new double[logS.length];
        double divergence = 0;
        double mean = 0;
        for (int v = 0; v < slopes.length; v++) {
            double s = Math.exp(logS[v]);
            double t = Math.exp(logT[v]);
            double beta = settings.beta();
            if (beta == 0) {
                divergence += t * (logT[v] - logS[v]);
                slopes[v] = s - t;
            } else {
                double mixed = beta == 1 ? logT[v] : Math.log(beta * t + (1 - beta) * s);
                double share = beta == 1 ? 1 : 1 - beta;
                divergence += share * s * (logS[v] - mixed);
                divergence += beta == 1 ? 0 : beta * t * (logT[v] - mixed);
                slopes[v] = share * s * (logS[v] - mixed);
                mean += slopes[v];
            }
            sums.entropy -= s * logS[v];
        }
        double factor = settings.divergence() / soft;
        double[] logP = soft == 1 ? logS : logSoftmax(student_V, 1);
        double labelled = settings.confident() ? Math.exp(logP[label]) : 1;
        labelled *= settings.crossEntropy();
        boolean largest = true;
        for (int v = 0; v < slopes.length; v++) {
            slopes[v] = factor * (slopes[v] - mean * Math.exp(logS[v]));
            slopes[v] += labelled * (Math.exp(logP[v]) - (v == label ? 1 : 0));
            largest &= student_V[v] <= student_V[label];
        }
        sums.slopes_V = slopes;
        sums.divergence += divergence;
        sums.correct += largest ? 1 : 0;
        return settings.divergence() * divergence - labelled * logP[label];
    }

    private static double[] logSoftmax(float[] logits_V, double temperature) {
        double largest = Double.NEGATIVE_INFINITY;
        for (float logit : logits_V) {
            largest = Math.max(largest, logit / temperature);
        }
        double sum = 0;
        for (float logit : logits_V) {
            sum += Math.exp(logit / temperature - largest);
        }
        double[] logs = new double[logits_V.length];
        for (int v = 0; v < logs.length; v++) {
            logs[v] = logits_V[v] / temperature - largest - Math.log(sum);
        }
        return logs;
    }

    /// What the teacher knows of the labelled rows of a batch; its logits exist a few at a time.
    private static final class Lesson {
        private final Decoder teacher;
        private final int[] labels_M;
        private final float[] weights_M;
        private final float[] states_MD;
        private final int width;
        private final DType type;
        private List<float[]> chunk = List.of();
        private int first;

        private Lesson(
                Decoder teacher, int[] labels_M, float[] weights_M, float[] states_MD, DType type) {
            this.type = type;
            this.teacher = teacher;
            this.labels_M = labels_M;
            this.weights_M = weights_M;
            this.states_MD = states_MD;
            this.width = states_MD.length / Math.max(1, labels_M.length);
        }

        static Lesson of(Decoder teacher, StepArena arena, TokenBatch batch) {
            int[] labels = new int[batch.trainedTokens()];
            float[] weights = new float[labels.length];
            try (Region region = arena.open("teacher")) {
                Tensor all_ND =
                        teacher.forward(
                                Tape.silent(arena, region), batch, CheckpointPolicy.keepAll());
                float[] all = all_ND.toFloats();
                int width = (int) all_ND.width();
                float[] states = new float[labels.length * width];
                int m = 0;
                for (int n = 0; n < batch.tokens(); n++) {
                    if (batch.labels_N()[n] != TokenBatch.NOT_TRAINED) {
                        labels[m] = batch.labels_N()[n];
                        weights[m] = batch.weights_N()[n];
                        System.arraycopy(all, n * width, states, m++ * width, width);
                    }
                }
                return new Lesson(teacher, labels, weights, states, all_ND.type());
            }
        }

        float[] logits(StepArena arena, int m) {
            if (m < first || m >= first + chunk.size()) {
                first = m;
                chunk = read(arena, m, Math.min(m + CHUNK_ROWS, labels_M.length));
            }
            return chunk.get(m - first);
        }

        private List<float[]> read(StepArena arena, int from, int to) {
            try (Region region = arena.open("teacher rows")) {
                Tensor hidden_CD = region.tensor(type, to - from, width);
                hidden_CD.set(Arrays.copyOfRange(states_MD, from * width, to * width));
                Tensor logits_CV = teacher.head().logits(Tape.silent(arena, region), hidden_CD);
                float[] all = logits_CV.toFloats();
                int vocabulary = (int) logits_CV.width();
                List<float[]> rows = new ArrayList<>();
                for (int c = 0; c < to - from; c++) {
                    rows.add(Arrays.copyOfRange(all, c * vocabulary, (c + 1) * vocabulary));
                }
                return rows;
            }
        }
    }
}
