package dev.tunesmith.engine.nn;

import dev.tunesmith.engine.ops.Elementwise;
import dev.tunesmith.engine.ops.Gate;
import dev.tunesmith.engine.tape.Tape;
import dev.tunesmith.engine.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// `down(activation(gate(x)) · up(x))`.
///
/// @param gateUp the two branches that read the input
/// @param clamp limits of the branches, which take turns in the output of one layer then; null for
///   none
public record GatedMlp(Branches gateUp, Linear down, Activation activation, @Nullable Clamp clamp)
        implements Mlp {

    /// `(min(max(up, -limit), limit) + 1) · g · σ(sharpness · g)` with `g = min(gate, limit)`.
    public record Clamp(double limit, double sharpness) {

        private Tensor forward(Tape tape, Tensor y_NO) {
            float[] y = y_NO.toFloats();
            float[] h = new float[y.length / 2];
            for (int i = 0; i < h.length; i++) {
                double gate = Math.min(y[2 * i], limit);
                double up = Math.clamp(y[2 * i + 1], -limit, limit);
                h[i] = (float) ((up + 1) * gate * sigmoid(gate));
            }
            Tensor h_NF = tape.tensor(y_NO.type(), y_NO.rows(), y_NO.width() / 2);
            h_NF.set(h);
            if (tape.tracks(y_NO)) {
                tape.record(h_NF, dh_NF -> backward(tape, y_NO, dh_NF));
            }
            return h_NF;
        }

        private double sigmoid(double gate) {
            return 1 / (1 + Math.exp(-sharpness * gate));
        }

        private void backward(Tape tape, Tensor y_NO, Tensor dh_NF) {
            float[] y = y_NO.toFloats();
            float[] dh = dh_NF.toFloats();
            float[] dy = new float[y.length];
            for (int i = 0; i < dh.length; i++) {
                double gate = Math.min(y[2 * i], limit);
                double up = Math.clamp(y[2 * i + 1], -limit, limit);
                double sigmoid = sigmoid(gate);
                if (y[2 * i] <= limit) {
                    double slope = sigmoid * (1 + sharpness * gate * (1 - sigmoid));
                    dy[2 * i] = (float) (dh[i] * (up + 1) * slope);
                }
                if (Math.abs(y[2 * i + 1]) <= limit) {
                    dy[2 * i + 1] = (float) (dh[i] * gate * sigmoid);
                }
            }
            Tensor dy_NO = tape.tensor(dh_NF.type(), y_NO.shape());
            dy_NO.set(dy);
            tape.addGradient(y_NO, dy_NO);
        }
    }

    /// One without limits.
    public GatedMlp(Branches gateUp, Linear down, Activation activation) {
        this(gateUp, down, activation, null);
    }

    public GatedMlp {
        if (!activation.gates()) {
            throw new IllegalArgumentException("%s in a gated MLP".formatted(activation));
        }
    }

    /// One with a layer for each branch.
    public GatedMlp(Linear gate, Linear up, Linear down, Activation activation) {
        this(Branches.of(gate, up), down, activation);
    }

    @Override
    public Tensor forward(Tape tape, Tensor x_ND) {
        List<Tensor> branches = gateUp.forward(tape, x_ND);
        if (clamp != null) {
            return down.forward(tape, clamp.forward(tape, branches.get(0)));
        }
        Tensor gate_NF = branches.get(0);
        Tensor up_NF = branches.get(1);
        Gate op = new Gate(activation.kernel());
        Tensor h_NF = tape.tensor(x_ND.type(), gate_NF.shape());
        double sharpness = activation.sharpness();
        scale(gate_NF, sharpness);
        op.forward(h_NF, gate_NF, up_NF);
        scale(h_NF, 1 / sharpness);
        if (tape.tracks(gate_NF) || tape.tracks(up_NF)) {
            tape.record(h_NF, dh_NF -> backward(tape, op, dh_NF, gate_NF, up_NF));
        }
        return down.forward(tape, h_NF);
    }

    /// In place: a linear layer does not keep its output.
    private static void scale(Tensor x_NF, double factor) {
        if (factor != 1) {
            Elementwise.scale(x_NF, factor);
        }
    }

    private void backward(Tape tape, Gate op, Tensor dh_NF, Tensor gate_NF, Tensor up_NF) {
        Tensor dGate_NF = tape.tensor(dh_NF.type(), dh_NF.shape());
        Tensor dUp_NF = tape.tensor(dh_NF.type(), dh_NF.shape());
        op.backward(dGate_NF, dUp_NF, dh_NF, gate_NF, up_NF);
        scale(dUp_NF, 1 / activation.sharpness());
        tape.addGradient(gate_NF, dGate_NF);
        tape.addGradient(up_NF, dUp_NF);
    }

    @Override
    public List<Linear> linears() {
        List<Linear> linears = new ArrayList<>(gateUp.linears());
        linears.add(down);
        return linears;
    }

    @Override
    public GatedMlp share() {
        return new GatedMlp(gateUp.share(), down.share(), activation, clamp);
    }
}
