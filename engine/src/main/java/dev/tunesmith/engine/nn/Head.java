package dev.tunesmith.engine.nn;

import dev.tunesmith.engine.nn.change.HeadChange;
import dev.tunesmith.engine.ops.ChunkedHead;
import dev.tunesmith.engine.ops.CrossEntropy;
import dev.tunesmith.engine.ops.Elementwise;
import dev.tunesmith.engine.ops.Lookup;
import dev.tunesmith.engine.tape.Tape;
import dev.tunesmith.engine.tensor.DType;
import dev.tunesmith.engine.tensor.Region;
import dev.tunesmith.engine.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// The language-model head: logits, or their cross-entropy without ever holding all logits.
public final class Head {

    private final double logitScale;
    private final double softCap;
    private final @Nullable Parameter bias_V;
    private Parameter weight_VD;
    private @Nullable HeadChange change;

    /// A head with weight [vocabulary, width], which may be the embedding table.
    ///
    /// @param bias_V null for none
    /// @param logitScale factor of the logits
    /// @param softCap logits become `c · tanh(z/c)`; 0 means no cap
    public Head(
            Parameter weight_VD, @Nullable Parameter bias_V, double logitScale, double softCap) {
        this.weight_VD = weight_VD;
        this.bias_V = bias_V;
        this.logitScale = logitScale;
        this.softCap = softCap;
    }

    /// The weight.
    public Parameter weight() {
        return weight_VD;
    }

    /// Puts another weight in its place, for example a trained copy.
    public void useWeight(Parameter replacement) {
        this.weight_VD = replacement;
    }

    /// What an attached adapter makes of the head.
    public Optional<HeadChange> change() {
        return Optional.ofNullable(change);
    }

    /// Attaches what an adapter makes of the head.
    public void attach(HeadChange adapter) {
        this.change = adapter;
    }

    /// Takes the adapter off again.
    public void detach() {
        this.change = null;
    }

    private Parameter effective() {
        HeadChange adapter = change;
        return adapter == null ? weight_VD : adapter.weight();
    }

    /// The same head, sharing the weight.
    public Head share() {
        return new Head(weight_VD, bias_V, logitScale, softCap);
    }

    /// What is trained towards at each row of the hidden state.
    ///
    /// @param labels_N the token to predict, or `ignored`
    /// @param weights_N factor of each label in the loss
    public record Targets(int[] labels_N, float[] weights_N, int ignored) {
        private int[] rows() {
            int[] rows = new int[labels_N.length];
            int count = 0;
            for (int n = 0; n < labels_N.length; n++) {
                if (labels_N[n] != ignored) {
                    rows[count++] = n;
                }
            }
            return Arrays.copyOf(rows, count);
        }
    }

    /// Losses of the rows that have a label.
    ///
    /// @param weighted Σ weight · loss
    /// @param losses_M negative log-probability of each label, in order of the rows
    /// @param correct how many labels had the largest logit
    /// @param entropy sum of the entropies of the distributions, in nats
    public record Losses(double weighted, float[] losses_M, int correct, double entropy) {}

    /// What the distributions at the labelled rows look like.
    ///
    /// @param logProbs_M log-probability of each label
    /// @param entropies_M entropy, in nats
    /// @param logits_M mean of all logits
    /// @param concentrations_M log Σp²
    /// @param correct_M 1 where the label has the largest logit
    public record Scores(
            float[] logProbs_M,
            float[] entropies_M,
            float[] logits_M,
            float[] concentrations_M,
            float[] correct_M) {}

    /// A gradient that came from outside: factors of the labels' log-probabilities and of the
    /// entropies, in order of the labelled rows.
    public record Slopes(float[] logProbs_M, float[] entropies_M) {}

    /// Cross-entropy of all labelled rows. On a recording tape the gradient of `scale · weighted`
    /// is computed at once, so that [Tape#backward()] only has to be called.
    public Losses loss(Tape tape, Tensor hidden_ND, Targets targets, double scale) {
        return loss(tape, hidden_ND, targets, scale, 0);
    }

    /// As the other, with label smoothing.
    public Losses loss(
            Tape tape, Tensor hidden_ND, Targets targets, double scale, double smoothing) {
        int[] rows = targets.rows();
        float[] weights = new float[rows.length];
        for (int m = 0; m < rows.length; m++) {
            weights[m] = targets.weights_N[rows[m]];
        }
        Work work = new Work(rows, targets.labels_N, weights, null, logitScale, scale);
        Found found = work.smoothed(smoothing).run(tape, hidden_ND, true, true);
        double weighted = 0;
        double entropy = 0;
        int hits = 0;
        for (int m = 0; m < rows.length; m++) {
            weighted += (double) found.losses_M[m] * weights[m];
            hits += (int) found.correct_M[m];
            entropy += found.statistics_M3[m * CrossEntropy.STATISTICS];
        }
        return new Losses(weighted, found.losses_M, hits, entropy);
    }

    /// Looks at the distributions of all labelled rows, without gradients.
    ///
    /// @param temperature logits are divided by it
    public Scores scores(Tape tape, Tensor hidden_ND, Targets targets, double temperature) {
        int[] rows = targets.rows();
        double sharpness = logitScale / temperature;
        Work work = new Work(rows, targets.labels_N, new float[rows.length], null, sharpness, 0);
        Found found = work.run(tape, hidden_ND, false, true);
        float[][] columns = new float[CrossEntropy.STATISTICS][rows.length];
        float[] logProbs = new float[rows.length];
        for (int m = 0; m < rows.length; m++) {
            logProbs[m] = -found.losses_M[m];
            for (int c = 0; c < columns.length; c++) {
                columns[c][m] = found.statistics_M3[m * columns.length + c];
            }
        }
        return new Scores(logProbs, columns[0], columns[1], columns[2], found.correct_M);
    }

    /// Gives the slopes of a loss back to the hidden state and the head: the second look at rows
    /// whose [#scores] the loss was made of.
    public void backward(
            Tape tape, Tensor hidden_ND, Targets targets, Slopes slopes, double temperature) {
        int[] rows = targets.rows();
        float[] weights = new float[rows.length];
        boolean turned = false;
        for (int m = 0; m < rows.length; m++) {
            weights[m] = -slopes.logProbs_M[m];
            turned |= slopes.entropies_M[m] != 0;
        }
        float[] entropies = turned ? slopes.entropies_M : null;
        Work work =
                new Work(rows, targets.labels_N, weights, entropies, logitScale / temperature, 1);
        Found _ = work.run(tape, hidden_ND, true, false);
    }

    private record Found(float[] losses_M, float[] correct_M, float[] statistics_M3) {
        static final Found NOTHING = new Found(new float[0], new float[0], new float[0]);
    }

    /// One pass over the labelled rows.
    // Arrays: never compared.
    @SuppressWarnings("ArrayRecordComponent")
    private final class Work {
        private final int[] rows;
        private final int[] labels_N;
        private final float[] weights_M;
        private final float @Nullable [] entropyWeights_M;
        private final double sharpness;
        private final double scale;
        private double smoothing;

        Work(
                int[] rows,
                int[] labels_N,
                float[] weights_M,
                float @Nullable [] entropyWeights_M,
                double sharpness,
                double scale) {
            this.rows = rows;
            this.labels_N = labels_N;
            this.weights_M = weights_M;
            this.entropyWeights_M = entropyWeights_M;
            this.sharpness = sharpness;
            this.scale = scale;
        }

        Work smoothed(double share) {
            this.smoothing = share;
            return this;
        }

        Found run(Tape tape, Tensor hidden_ND, boolean gradients, boolean statistics) {
            if (rows.length == 0) {
                return Found.NOTHING;
            }
            List<Found> found = new ArrayList<>();
            pass(
                    tape,
                    hidden_ND,
                    rows,
                    gradients,
                    (hidden_MD, weight_VD, to, scratch) ->
                            found.add(look(hidden_MD, weight_VD, to, statistics, scratch)));
            return found.getFirst();
        }

        private Found look(
                Tensor hidden_MD,
                Tensor weight_VD,
                CrossEntropy.@Nullable Gradients to,
                boolean statistics,
                Region scratch) {
            CrossEntropy.Rows known = known(scratch, statistics);
            Parameter bias = bias_V;
            CrossEntropy operation =
                    new CrossEntropy(
                            sharpness, softCap, bias == null ? null : bias.value(), smoothing);
            if (to == null) {
                operation.forward(hidden_MD, weight_VD, known, scratch);
            } else {
                var scaled =
                        new CrossEntropy.Gradients(
                                to.dHidden_MD(), to.dHead_VD(), to.dBias_V(), scale);
                operation.forwardBackward(hidden_MD, weight_VD, known, scaled, scratch);
            }
            Tensor shapes = known.statistics_M3();
            return new Found(
                    known.losses_M().toFloats(),
                    known.correct_M().toFloats(),
                    shapes == null ? new float[0] : shapes.toFloats());
        }

        private CrossEntropy.Rows known(Region scratch, boolean statistics) {
            int[] labels = new int[rows.length];
            for (int m = 0; m < rows.length; m++) {
                labels[m] = labels_N[rows[m]];
            }
            float[] turns = entropyWeights_M;
            return new CrossEntropy.Rows(
                    scratch.ints(labels),
                    scratch.floats(weights_M, rows.length),
                    scratch.tensor(DType.F32, rows.length),
                    scratch.tensor(DType.I32, rows.length),
                    turns == null ? null : scratch.floats(turns, rows.length),
                    statistics
                            ? scratch.tensor(DType.F32, rows.length, CrossEntropy.STATISTICS)
                            : null);
        }
    }

    /// Something done with the labelled rows and the head's weight.
    private interface Operation {
        void run(
                Tensor hidden_MD,
                Tensor weight_VD,
                CrossEntropy.@Nullable Gradients to,
                Region scratch);
    }

    /// Gathers rows, runs an operation on them and takes its gradients back; without gradients, or
    /// where nothing trains, the operation gets no place for them.
    private void pass(
            Tape tape, Tensor hidden_ND, int[] rows, boolean gradients, Operation operation) {
        Parameter weight_VD = effective();
        Parameter bias = bias_V;
        boolean hiddenTrains = gradients && tape.tracks(hidden_ND);
        boolean headTrains = gradients && tape.isRecording() && weight_VD.trains();
        boolean biasTrains = gradients && tape.isRecording() && bias != null && bias.trains();
        Tensor dHidden_ND =
                hiddenTrains ? tape.region().zeros(hidden_ND.type(), hidden_ND.shape()) : hidden_ND;
        try (Region scratch = tape.arena().open("loss")) {
            Tensor rows_M = scratch.ints(rows);
            Tensor hidden_MD = scratch.tensor(hidden_ND.type(), rows.length, hidden_ND.width());
            Lookup.gather(hidden_MD, hidden_ND, rows_M);
            CrossEntropy.Gradients to = null;
            if (hiddenTrains || headTrains || biasTrains) {
                to =
                        new CrossEntropy.Gradients(
                                hiddenTrains
                                        ? scratch.tensor(hidden_MD.type(), hidden_MD.shape())
                                        : null,
                                headTrains ? weight_VD.gradient() : null,
                                biasTrains && bias != null ? bias.gradient() : null,
                                1);
            }
            operation.run(hidden_MD, weight_VD.value(), to, scratch);
            if (to != null && to.dHidden_MD() != null) {
                Lookup.scatter(dHidden_ND, to.dHidden_MD(), rows_M);
            }
        }
        HeadChange adapter = change;
        if (headTrains && adapter != null) {
            adapter.collect(tape.arena());
        }
        if (hiddenTrains) {
            tape.addGradient(hidden_ND, dHidden_ND);
        }
    }

    /// A loss that sees whole distributions.
    @FunctionalInterface
    public interface RowLoss {
        /// Looks at the logits of the m-th labelled row.
        ///
        /// @param slopes_V zeros, for the gradient by the logits; null if none is wanted
        void look(int m, float[] logits_V, float @Nullable [] slopes_V);
    }

    /// Shows the logits of all labelled rows to a loss, in order, one chunk of them existing at a
    /// time. On a recording tape its gradients flow back.
    public void look(Tape tape, Tensor hidden_ND, Targets targets, RowLoss loss) {
        int[] rows = targets.rows();
        if (rows.length == 0) {
            return;
        }
        Parameter bias = bias_V;
        ChunkedHead chunks = new ChunkedHead(bias == null ? null : bias.value());
        pass(
                tape,
                hidden_ND,
                rows,
                true,
                (hidden_MD, weight_VD, to, scratch) ->
                        chunks.run(
                                hidden_MD,
                                weight_VD,
                                (z_CV, from) -> look(z_CV, (int) from, loss, to != null),
                                to,
                                scratch));
    }

    private void look(Tensor z_CV, int from, RowLoss loss, boolean gradient) {
        int vocabulary = (int) z_CV.width();
        float[] all = z_CV.toFloats();
        for (int c = 0; c < z_CV.rows(); c++) {
            float[] logits = Arrays.copyOfRange(all, c * vocabulary, (c + 1) * vocabulary);
            for (int v = 0; v < vocabulary; v++) {
                float scaled = (float) (logits[v] * logitScale);
                logits[v] = softCap == 0 ? scaled : (float) (softCap * Math.tanh(scaled / softCap));
            }
            float[] slopes = gradient ? new float[vocabulary] : null;
            loss.look(from + c, logits, slopes);
            for (int v = 0; slopes != null && v < vocabulary; v++) {
                double bent = softCap == 0 ? 0 : logits[v] / softCap;
                all[c * vocabulary + v] = (float) (slopes[v] * logitScale * (1 - bent * bent));
            }
        }
        if (gradient) {
            z_CV.set(all);
        }
    }

    /// Logits of every row, in fp32.
    public Tensor logits(Tape tape, Tensor hidden_MD) {
        Parameter weight = effective();
        Tensor logits_MV = tape.tensor(DType.F32, hidden_MD.rows(), weight.value().size(0));
        weight.product(logits_MV, hidden_MD);
        addBias(tape, logits_MV);
        if (logitScale != 1) {
            Elementwise.scale(logits_MV, logitScale);
        }
        if (softCap != 0) {
            cap(logits_MV);
        }
        return logits_MV;
    }

    private void addBias(Tape tape, Tensor logits_MV) {
        Parameter bias = bias_V;
        if (bias != null) {
            Tensor wide_V = tape.tensor(DType.F32, bias.value().shape());
            Elementwise.convert(wide_V, bias.value());
            Elementwise.addBias(logits_MV, wide_V);
        }
    }

    private void cap(Tensor logits_MV) {
        float[] values = logits_MV.toFloats();
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) (softCap * Math.tanh(values[i] / softCap));
        }
        logits_MV.set(values);
    }
}
