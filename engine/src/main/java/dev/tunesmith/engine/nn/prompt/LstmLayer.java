package dev.tunesmith.engine.nn.prompt;

import dev.tunesmith.engine.nn.Parameter;
import dev.tunesmith.engine.tape.Tape;
import dev.tunesmith.engine.tensor.Tensor;

/// One layer of a bidirectional LSTM as torch has it: both directions read the whole sequence, and
/// their states lie side by side.
public record LstmLayer(LstmDirection forward, LstmDirection backward) {

    /// Reads all rows and records it.
    Tensor forward(Tape tape, Tensor x_NI) {
        int rows = (int) x_NI.rows();
        int width = forward.width();
        float[] x = x_NI.toFloats();
        LstmDirection.Trace ahead = forward.run(x, rows, false);
        LstmDirection.Trace back = backward.run(x, rows, true);
        float[] y = new float[rows * 2 * width];
        for (int n = 0; n < rows; n++) {
            for (int h = 0; h < width; h++) {
                y[n * 2 * width + h] = (float) ahead.state(n, h);
                y[n * 2 * width + width + h] = (float) back.state(n, h);
            }
        }
        Tensor y_NO = tape.tensor(x_NI.type(), rows, 2L * width);
        y_NO.set(y);
        if (forward.trains() || backward.trains() || tape.tracks(x_NI)) {
            tape.record(y_NO, dy_NO -> backward(tape, x_NI, dy_NO, ahead, back));
        }
        return y_NO;
    }

    private void backward(
            Tape tape,
            Tensor x_NI,
            Tensor dy_NO,
            LstmDirection.Trace ahead,
            LstmDirection.Trace back) {
        float[] x = x_NI.toFloats();
        float[] dy = dy_NO.toFloats();
        double[] dx = new double[x.length];
        forward.backward(x, dy, 0, ahead, dx);
        backward.backward(x, dy, forward.width(), back, dx);
        float[] rounded = new float[dx.length];
        for (int i = 0; i < dx.length; i++) {
            rounded[i] = (float) dx[i];
        }
        Tensor dx_NI = tape.tensor(x_NI.type(), x_NI.shape());
        dx_NI.set(rounded);
        tape.addGradient(x_NI, dx_NI);
    }

    /// The four tensors of a direction.
    ///
    /// @param input_GI weights of the input; rows are input, forget, cell and output gates
    /// @param state_GH weights of the state before
    public record Weights(
            Parameter input_GI, Parameter state_GH, Parameter inputBias_G, Parameter stateBias_G) {}
}
