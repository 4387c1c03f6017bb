package dev.tunesmith.engine.nn;

import dev.tunesmith.engine.ops.Elementwise;
import dev.tunesmith.engine.ops.Gate;
import dev.tunesmith.engine.tape.Tape;
import dev.tunesmith.engine.tensor.Tensor;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/// `down(activation(up(x)))`.
///
/// @param learned what the non-linearity learns; null unless that is [Activation#XIELU]
public record PlainMlp(Linear up, Linear down, Activation activation, @Nullable Learned learned)
        implements Mlp {

    public PlainMlp {
        if ((activation == Activation.XIELU) != (learned != null)) {
            throw new IllegalArgumentException("%s and %s".formatted(activation, learned));
        }
    }

    /// One whose non-linearity learns nothing.
    public PlainMlp(Linear up, Linear down, Activation activation) {
        this(up, down, activation, null);
    }

    /// Numbers of [Activation#XIELU].
    ///
    /// @param above softplus of it is the α above 0
    /// @param below softplus of it plus β is the α below 0
    /// @param limit the largest x of which the exponential is taken
    public record Learned(Parameter above, Parameter below, double beta, double limit) {

        private Tensor forward(Tape tape, Tensor x_NF) {
            double up = softplus(above);
            double down = beta + softplus(below);
            float[] x = x_NF.toFloats();
            float[] y = new float[x.length];
            rows(x_NF)
                    .forEach(n -> {
                        int width = (int) x_NF.width();
                        for (int i = n * width; i < (n + 1) * width; i++) {
                            double bent = x[i] > 0 ? up * x[i] * x[i] : down * exponential(x[i]);
                            y[i] = (float) (bent + beta * x[i]);
                        }
                    });
            Tensor y_NF = tape.tensor(x_NF.type(), x_NF.shape());
            y_NF.set(y);
            if (tape.tracks(x_NF) || above.trains() || below.trains()) {
                tape.record(y_NF, dy_NF -> backward(tape, x_NF, dy_NF));
            }
            return y_NF;
        }

        private static IntStream rows(Tensor x_NF) {
            return IntStream.range(0, Math.toIntExact(x_NF.rows())).parallel();
        }

        private static double softplus(Parameter raw) {
            double value = raw.best()[0];
            return Math.max(value, 0) + Math.log1p(Math.exp(-Math.abs(value)));
        }

        /// `eˣ − 1 − x`.
        private double exponential(double x) {
            return Math.expm1(Math.min(x, limit)) - x;
        }

        /// Sums of rows are added up in their order: the same bits with any number of threads.
        private void backward(Tape tape, Tensor x_NF, Tensor dy_NF) {
            double up = softplus(above);
            double down = beta + softplus(below);
            float[] x = x_NF.toFloats();
            float[] dy = dy_NF.toFloats();
            float[] dx = new float[x.length];
            double[] dUp_N = new double[(int) x_NF.rows()];
            double[] dDown_N = new double[dUp_N.length];
            rows(x_NF)
                    .forEach(n -> {
                        int width = (int) x_NF.width();
                        for (int i = n * width; i < (n + 1) * width; i++) {
                            double slope =
                                    x[i] > 0
                                            ? 2 * up * x[i]
                                            : down * (x[i] < limit ? Math.expm1(x[i]) : -1);
                            dx[i] = (float) (dy[i] * (slope + beta));
                            if (x[i] > 0) {
                                dUp_N[n] += (double) dy[i] * x[i] * x[i];
                            } else {
                                dDown_N[n] += dy[i] * exponential(x[i]);
                            }
                        }
                    });
            collect(above, dUp_N);
            collect(below, dDown_N);
            Tensor dx_NF = tape.tensor(dy_NF.type(), dy_NF.shape());
            dx_NF.set(dx);
            tape.addGradient(x_NF, dx_NF);
        }

        private static void collect(Parameter raw, double[] d_N) {
            if (raw.trains()) {
                double sigmoid = 1 / (1 + Math.exp(-raw.best()[0]));
                float[] sum = {(float) (sigmoid * Arrays.stream(d_N).sum())};
                ParameterGradients.add(raw, sum);
            }
        }
    }

    @Override
    public Tensor forward(Tape tape, Tensor x_ND) {
        Tensor up_NF = up.forward(tape, x_ND);
        if (learned != null) {
            return down.forward(tape, learned.forward(tape, up_NF));
        }
        if (activation == Activation.RELU_SQUARED) {
            return down.forward(tape, squared(tape, up_NF));
        }
        Gate op = new Gate(activation.kernel());
        Tensor h_NF = tape.tensor(x_ND.type(), up_NF.shape());
        double sharpness = activation.sharpness();
        if (sharpness != 1) {
            // In place: a linear layer does not keep its output.
            Elementwise.scale(up_NF, sharpness);
        }
        op.activate(h_NF, up_NF, tape.region());
        if (sharpness != 1) {
            Elementwise.scale(h_NF, 1 / sharpness);
        }
        if (tape.tracks(up_NF)) {
            tape.record(
                    h_NF,
                    dh_NF -> {
                        Tensor dUp_NF = tape.tensor(dh_NF.type(), dh_NF.shape());
                        op.activateBackward(dUp_NF, dh_NF, up_NF, tape.region());
                        tape.addGradient(up_NF, dUp_NF);
                    });
        }
        return down.forward(tape, h_NF);
    }

    /// `relu(x) · x`: a gate in front of itself.
    private Tensor squared(Tape tape, Tensor x_NF) {
        Gate op = new Gate(activation.kernel());
        double sharpness = activation.sharpness();
        Tensor gate_NF = tape.region().copy(x_NF);
        Elementwise.scale(gate_NF, sharpness);
        Tensor h_NF = tape.tensor(x_NF.type(), x_NF.shape());
        op.forward(h_NF, gate_NF, x_NF);
        Elementwise.scale(h_NF, 1 / sharpness);
        if (tape.tracks(x_NF)) {
            tape.record(
                    h_NF,
                    dh_NF -> {
                        Tensor dGate_NF = tape.tensor(dh_NF.type(), dh_NF.shape());
                        Tensor dx_NF = tape.tensor(dh_NF.type(), dh_NF.shape());
                        op.backward(dGate_NF, dx_NF, dh_NF, gate_NF, x_NF);
                        Elementwise.scale(dx_NF, 1 / sharpness);
                        Elementwise.add(dx_NF, dx_NF, dGate_NF);
                        tape.addGradient(x_NF, dx_NF);
                    });
        }
        return h_NF;
    }

    @Override
    public List<Linear> linears() {
        return List.of(up, down);
    }

    @Override
    public PlainMlp share() {
        return new PlainMlp(up.share(), down.share(), activation, learned);
    }
}
