package dev.tunesmith.engine.nn.prompt;

import dev.tunesmith.engine.tape.Tape;
import dev.tunesmith.engine.tensor.Tensor;

/// Functions between the layers of the small networks that make virtual tokens.
public enum Squash {
    RELU,
    TANH;

    /// Applies it to every element and records it.
    Tensor forward(Tape tape, Tensor x) {
        float[] values = x.toFloats();
        for (int i = 0; i < values.length; i++) {
            values[i] =
                    switch (this) {
                        case RELU -> Math.max(0, values[i]);
                        case TANH -> (float) Math.tanh(values[i]);
                    };
        }
        Tensor y = tape.tensor(x.type(), x.shape());
        y.set(values);
        if (tape.tracks(x)) {
            tape.record(y, dy -> tape.addGradient(x, backward(tape, values, dy)));
        }
        return y;
    }

    private Tensor backward(Tape tape, float[] values, Tensor dy) {
        float[] gradient = dy.toFloats();
        for (int i = 0; i < gradient.length; i++) {
            gradient[i] *=
                    switch (this) {
                        case RELU -> values[i] > 0 ? 1 : 0;
                        case TANH -> 1 - values[i] * values[i];
                    };
        }
        Tensor dx = tape.tensor(dy.type(), dy.shape());
        dx.set(gradient);
        return dx;
    }
}
