package dev.tunesmith.engine.nn.depth;

import dev.tunesmith.engine.nn.Context;
import dev.tunesmith.engine.nn.Parameter;
import dev.tunesmith.engine.tape.RowMoves;
import dev.tunesmith.engine.tape.Tape;
import dev.tunesmith.engine.tensor.Tensor;
import java.util.stream.IntStream;

/// Lets few tokens pass a layer: `x + r · (layer(x) − x)` for those, `x` for all others, where `r =
/// w · x` is the score of a token and the layer's attention sees the passing tokens only.
///
/// While a tape records, the tokens of a text with the largest scores pass, the earlier of equals.
/// Otherwise those pass whose score is above 0, where `sigmoid(r) > 0.5`: a token near that border
/// would add next to nothing either way. Positions are those in the whole text.
///
/// @param weight_1D the router
/// @param loss teaches it to tell the chosen ones alone
public record DepthRouter(int layer, Parameter weight_1D, DepthPlan plan, DepthLoss loss) {

    /// Rows of which sums are taken at once.
    private static final int ROWS = 512;

    /// A layer.
    @FunctionalInterface
    public interface Inside {
        /// Computes and records it for tokens that see each other as `context` says.
        Tensor forward(Tape tape, Tensor x_MD, Context context);
    }

    /// Whether a token passes when nothing is known of others.
    static boolean passesAlone(double score) {
        return score > 0;
    }

    /// Computes the layer for the tokens that pass, and records it.
    public Tensor forward(Tape tape, Tensor x_ND, Context context, Inside inside) {
        double[] scores_N = scores(x_ND);
        boolean[] passes_N = passing(tape, scores_N, context);
        Context few = PassingSight.of(context, layer, passes_N, tape.region());
        int[] rows = IntStream.range(0, passes_N.length).filter(n -> passes_N[n]).toArray();
        if (rows.length == 0) {
            return x_ND;
        }
        Tensor x_MD = RowMoves.select(tape, x_ND, rows);
        Tensor y_MD = inside.forward(tape, x_MD, few);
        Passage passage = new Passage(x_ND, scores_N, passes_N, rows);
        return RowMoves.place(tape, x_ND, weighed(tape, passage, x_MD, y_MD), rows);
    }

    private boolean[] passing(Tape tape, double[] scores_N, Context context) {
        boolean[] alone_N = new boolean[scores_N.length];
        for (int n = 0; n < alone_N.length; n++) {
            alone_N[n] = passesAlone(scores_N[n]);
        }
        if (context instanceof Context.Cached) {
            return alone_N;
        }
        boolean[] chosen_N = new boolean[scores_N.length];
        choose(chosen_N, scores_N, PassingSight.texts(context));
        loss.observe(layer, scores_N, chosen_N);
        return tape.isRecording() ? chosen_N : alone_N;
    }

    /// All tokens before a layer, and which of them pass it.
    // Arrays: handed on inside this file, never compared.
    @SuppressWarnings("ArrayRecordComponent")
    private record Passage(Tensor x_ND, double[] scores_N, boolean[] passes_N, int[] rows) {}

    /// The score of every token; sums in fp64, so that they do not depend on the other rows.
    private double[] scores(Tensor x_ND) {
        float[] w = weight_1D.vector().toFloats();
        int tokens = (int) x_ND.rows();
        double[] scores_N = new double[tokens];
        for (int from = 0; from < tokens; from += ROWS) {
            int to = Math.min(tokens, from + ROWS);
            float[] x = x_ND.rowRange(from, to).toFloats();
            for (int n = from; n < to; n++) {
                scores_N[n] = dot(x, (n - from) * w.length, w);
            }
        }
        return scores_N;
    }

    private static double dot(float[] x, int at, float[] w) {
        double sum = 0;
        for (int d = 0; d < w.length; d++) {
            sum += (double) x[at + d] * w[d];
        }
        return sum;
    }

    /// The share of every text with the largest scores.
    private void choose(boolean[] passes_N, double[] scores_N, int[] cuSeqlens_D1) {
        for (int d = 0; d + 1 < cuSeqlens_D1.length; d++) {
            int from = cuSeqlens_D1[d];
            int to = cuSeqlens_D1[d + 1];
            IntStream.range(from, to)
                    .boxed()
                    .sorted((a, b) -> Double.compare(scores_N[b], scores_N[a]))
                    .limit(plan.passing(to - from))
                    .forEach(n -> passes_N[n] = true);
        }
    }

    /// `x + r · (y − x)`.
    private Tensor weighed(Tape tape, Passage passage, Tensor x_MD, Tensor y_MD) {
        float[] x = x_MD.toFloats();
        float[] y = y_MD.toFloats();
        int width = (int) x_MD.width();
        for (int at = 0; at < x.length; at++) {
            double r = passage.scores_N[passage.rows[at / width]];
            x[at] = (float) (x[at] + r * ((double) y[at] - x[at]));
        }
        Tensor out_MD = tape.tensor(x_MD.type(), x_MD.shape());
        out_MD.set(x);
        if (tape.tracks(x_MD) || tape.tracks(y_MD) || weight_1D.trains()) {
            tape.record(out_MD, d_MD -> backward(tape, passage, x_MD, y_MD, d_MD));
        }
        return out_MD;
    }

    private void backward(Tape tape, Passage passage, Tensor x_MD, Tensor y_MD, Tensor d_MD) {
        float[] x = x_MD.toFloats();
        float[] y = y_MD.toFloats();
        float[] d = d_MD.toFloats();
        float[] w = weight_1D.vector().toFloats();
        float[] dx = new float[d.length];
        float[] dy = new float[d.length];
        double[] dScores_N = new double[passage.scores_N.length];
        for (int m = 0; m < passage.rows.length; m++) {
            int n = passage.rows[m];
            double r = passage.scores_N[n];
            double dScore = 0;
            for (int at = m * w.length; at < (m + 1) * w.length; at++) {
                dScore += d[at] * ((double) y[at] - x[at]);
                dy[at] = (float) (r * d[at]);
            }
            for (int i = 0; i < w.length; i++) {
                int at = m * w.length + i;
                dx[at] = (float) ((1 - r) * d[at] + dScore * w[i]);
            }
            dScores_N[n] = dScore;
        }
        Tensor dy_MD = tape.tensor(d_MD.type(), d_MD.shape());
        dy_MD.set(dy);
        tape.addGradient(y_MD, dy_MD);
        Tensor dx_MD = tape.tensor(d_MD.type(), d_MD.shape());
        dx_MD.set(dx);
        tape.addGradient(x_MD, dx_MD);
        if (weight_1D.trains()) {
            learn(passage, dScores_N);
        }
    }

    /// Adds the gradient of the router: from what the layer has added, and from the loss of its own
    /// that every token has.
    private void learn(Passage passage, double[] dScores_N) {
        for (int n = 0; n < dScores_N.length && loss.counts(); n++) {
            dScores_N[n] += loss.slope(passage.scores_N[n], passage.passes_N[n]);
        }
        Tensor gradient = weight_1D.gradient();
        double[] sums = new double[(int) gradient.elements()];
        for (int from = 0; from < dScores_N.length; from += ROWS) {
            int to = Math.min(dScores_N.length, from + ROWS);
            float[] x = passage.x_ND.rowRange(from, to).toFloats();
            for (int n = from; n < to; n++) {
                for (int i = 0; i < sums.length && dScores_N[n] != 0; i++) {
                    sums[i] += dScores_N[n] * x[(n - from) * sums.length + i];
                }
            }
        }
        float[] sum = gradient.toFloats();
        for (int i = 0; i < sum.length; i++) {
            sum[i] += (float) sums[i];
        }
        gradient.set(sum);
    }
}
