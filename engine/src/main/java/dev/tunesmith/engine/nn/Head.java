package dev.tunesmith.engine.nn;

import dev.tunesmith.engine.ops.CrossEntropy;
import dev.tunesmith.engine.ops.Elementwise;
import dev.tunesmith.engine.ops.Lookup;
import dev.tunesmith.engine.ops.Products;
import dev.tunesmith.engine.tape.Tape;
import dev.tunesmith.engine.tensor.DType;
import dev.tunesmith.engine.tensor.Region;
import dev.tunesmith.engine.tensor.Tensor;
import java.util.Arrays;

/// The language-model head: logits, or their cross-entropy without ever holding all logits.
public final class Head {

    private final double logitScale;
    private final double softCap;
    private Parameter weight_VD;

    /// A head with weight [vocabulary, width], which may be the embedding table.
    ///
    /// @param logitScale factor of the logits
    /// @param softCap logits become `c · tanh(z/c)`; 0 means no cap
    public Head(Parameter weight_VD, double logitScale, double softCap) {
        this.weight_VD = weight_VD;
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

    /// The same head, sharing the weight.
    public Head share() {
        return new Head(weight_VD, logitScale, softCap);
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
    public record Losses(double weighted, float[] losses_M, int correct) {}

    /// Cross-entropy of all labelled rows. On a recording tape the gradient of `scale · weighted`
    /// is computed at once, so that [Tape#backward()] only has to be called.
    public Losses loss(Tape tape, Tensor hidden_ND, Targets targets, double scale) {
        int[] rows = targets.rows();
        if (rows.length == 0) {
            return new Losses(0, new float[0], 0);
        }
        int[] labels = new int[rows.length];
        float[] weights = new float[rows.length];
        for (int m = 0; m < rows.length; m++) {
            labels[m] = targets.labels_N[rows[m]];
            weights[m] = targets.weights_N[rows[m]];
        }
        boolean hiddenTrains = tape.tracks(hidden_ND);
        Tensor dHidden_ND =
                hiddenTrains ? tape.region().zeros(hidden_ND.type(), hidden_ND.shape()) : hidden_ND;
        Losses losses;
        try (Region scratch = tape.arena().open("loss")) {
            Tensor rows_M = scratch.ints(rows);
            Tensor hidden_MD = scratch.tensor(hidden_ND.type(), rows.length, hidden_ND.width());
            Lookup.gather(hidden_MD, hidden_ND, rows_M);
            var known =
                    new CrossEntropy.Rows(
                            scratch.ints(labels),
                            scratch.floats(weights, rows.length),
                            scratch.tensor(DType.F32, rows.length),
                            scratch.tensor(DType.I32, rows.length));
            CrossEntropy operation = new CrossEntropy(logitScale, softCap);
            if (hiddenTrains || weight_VD.trains()) {
                Tensor dHidden_MD = scratch.tensor(hidden_MD.type(), hidden_MD.shape());
                var to =
                        new CrossEntropy.Gradients(
                                hiddenTrains ? dHidden_MD : null,
                                weight_VD.trains() ? weight_VD.gradient() : null,
                                scale);
                operation.forwardBackward(hidden_MD, weight_VD.value(), known, to, scratch);
                if (hiddenTrains) {
                    Lookup.scatter(dHidden_ND, dHidden_MD, rows_M);
                }
            } else {
                operation.forward(hidden_MD, weight_VD.value(), known, scratch);
            }
            losses = summary(known, weights);
        }
        if (hiddenTrains) {
            tape.addGradient(hidden_ND, dHidden_ND);
        }
        return losses;
    }

    private static Losses summary(CrossEntropy.Rows rows, float[] weights) {
        float[] losses = rows.losses_M().toFloats();
        float[] correct = rows.correct_M().toFloats();
        double weighted = 0;
        int hits = 0;
        for (int m = 0; m < losses.length; m++) {
            weighted += (double) losses[m] * weights[m];
            hits += (int) correct[m];
        }
        return new Losses(weighted, losses, hits);
    }

    /// Logits of every row, in fp32.
    public Tensor logits(Tape tape, Tensor hidden_MD) {
        Tensor weight = weight_VD.value();
        Tensor logits_MV = tape.tensor(DType.F32, hidden_MD.rows(), weight.size(0));
        if (hidden_MD.type() == DType.F32) {
            Products.linear(logits_MV, hidden_MD, weight);
        } else {
            try (Region scratch = tape.arena().open("logits")) {
                Tensor rounded = scratch.tensor(hidden_MD.type(), logits_MV.shape());
                Products.linear(rounded, hidden_MD, weight);
                Elementwise.convert(logits_MV, rounded);
            }
        }
        if (logitScale != 1) {
            Elementwise.scale(logits_MV, logitScale);
        }
        if (softCap != 0) {
            cap(logits_MV);
        }
        return logits_MV;
    }

    private void cap(Tensor logits_MV) {
        float[] values = logits_MV.toFloats();
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) (softCap * Math.tanh(values[i] / softCap));
        }
        logits_MV.set(values);
    }
}
