package dev.tunesmith.engine.nn;

import dev.tunesmith.engine.ops.Elementwise;
import dev.tunesmith.engine.tape.Tape;
import dev.tunesmith.engine.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// A mixture of experts and beside it an MLP that every token passes; both outputs are added.
///
/// @param gate one output whose sigmoid multiplies what the shared MLP gives; null for none
public record SharedMlp(MixtureMlp mixture, GatedMlp shared, @Nullable Linear gate) implements Mlp {

    @Override
    public Tensor forward(Tape tape, Tensor x_ND) {
        Tensor routed_ND = mixture.forward(tape, x_ND);
        Tensor shared_ND = weighed(tape, x_ND, shared.forward(tape, x_ND));
        Tensor sum_ND = tape.tensor(x_ND.type(), x_ND.shape());
        Elementwise.add(sum_ND, routed_ND, shared_ND);
        if (tape.tracks(routed_ND) || tape.tracks(shared_ND)) {
            tape.record(sum_ND, dSum_ND -> tape.shareGradient(dSum_ND, routed_ND, shared_ND));
        }
        return sum_ND;
    }

    private Tensor weighed(Tape tape, Tensor x_ND, Tensor y_ND) {
        if (gate == null) {
            return y_ND;
        }
        Tensor score_N1 = gate.forward(tape, x_ND);
        float[] weight_N = score_N1.toFloats();
        for (int n = 0; n < weight_N.length; n++) {
            weight_N[n] = (float) (1 / (1 + Math.exp(-weight_N[n])));
        }
        Tensor out_ND = tape.tensor(y_ND.type(), y_ND.shape());
        out_ND.set(multiplied(y_ND, weight_N));
        if (tape.tracks(y_ND) || tape.tracks(score_N1)) {
            tape.record(out_ND, d_ND -> backward(tape, score_N1, y_ND, weight_N, d_ND));
        }
        return out_ND;
    }

    private static void backward(
            Tape tape, Tensor score_N1, Tensor y_ND, float[] weight_N, Tensor d_ND) {
        Tensor dy_ND = tape.tensor(d_ND.type(), d_ND.shape());
        dy_ND.set(multiplied(d_ND, weight_N));
        tape.addGradient(y_ND, dy_ND);
        float[] y = y_ND.toFloats();
        float[] d = d_ND.toFloats();
        int width = (int) y_ND.width();
        float[] dScore_N = new float[weight_N.length];
        for (int n = 0; n < weight_N.length; n++) {
            double dot = 0;
            for (int at = n * width; at < (n + 1) * width; at++) {
                dot += (double) y[at] * d[at];
            }
            dScore_N[n] = (float) (dot * weight_N[n] * (1 - weight_N[n]));
        }
        Tensor dScore_N1 = tape.tensor(score_N1.type(), score_N1.shape());
        dScore_N1.set(dScore_N);
        tape.addGradient(score_N1, dScore_N1);
    }

    private static float[] multiplied(Tensor x_ND, float[] factor_N) {
        float[] x = x_ND.toFloats();
        int width = (int) x_ND.width();
        for (int at = 0; at < x.length; at++) {
            x[at] *= factor_N[at / width];
        }
        return x;
    }

    @Override
    public List<Linear> linears() {
        List<Linear> linears = new ArrayList<>(mixture.linears());
        linears.addAll(shared.linears());
        if (gate != null) {
            linears.add(gate);
        }
        return linears;
    }

    @Override
    public SharedMlp share() {
        return new SharedMlp(mixture.share(), shared.share(), gate == null ? null : gate.share());
    }
}
