package dev.tunesmith.engine.nn.prompt;

import dev.tunesmith.engine.nn.Linear;
import dev.tunesmith.engine.nn.Parameter;
import dev.tunesmith.engine.ops.Elementwise;
import dev.tunesmith.engine.tape.Tape;
import dev.tunesmith.engine.tensor.Tensor;
import java.util.List;

/// Learned rows: a table, or what a small network makes of one.
public sealed interface RowSource {

    /// The rows, recorded.
    Tensor rows(Tape tape);

    /// Multiplies rows and records it.
    static Tensor scaled(Tape tape, Tensor x, double factor) {
        Tensor y = tape.region().copy(x);
        Elementwise.scale(y, factor);
        if (tape.tracks(x)) {
            tape.record(
                    y,
                    dy -> {
                        Tensor dx = tape.region().copy(dy);
                        Elementwise.scale(dx, factor);
                        tape.addGradient(x, dx);
                    });
        }
        return y;
    }

    /// A table.
    record Table(Parameter table) implements RowSource {
        @Override
        public Tensor rows(Tape tape) {
            Tensor rows = tape.region().copy(table.value());
            if (table.trains()) {
                tape.record(rows, d -> Elementwise.accumulate(table.gradient(), d, 1));
            }
            return rows;
        }
    }

    /// Linear layers with a function between them.
    record Perceptron(RowSource input, List<Linear> layers, Squash between) implements RowSource {
        public Perceptron {
            layers = List.copyOf(layers);
        }

        @Override
        public Tensor rows(Tape tape) {
            Tensor x = input.rows(tape);
            for (int layer = 0; layer < layers.size(); layer++) {
                x = layers.get(layer).forward(tape, layer == 0 ? x : between.forward(tape, x));
            }
            return x;
        }
    }

    /// A recurrent network in both directions, layer after layer.
    record Recurrent(RowSource input, List<LstmLayer> layers) implements RowSource {
        public Recurrent {
            layers = List.copyOf(layers);
        }

        @Override
        public Tensor rows(Tape tape) {
            Tensor x = input.rows(tape);
            for (LstmLayer layer : layers) {
                x = layer.forward(tape, x);
            }
            return x;
        }
    }
}
