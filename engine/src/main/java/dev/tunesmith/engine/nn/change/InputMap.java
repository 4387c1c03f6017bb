package dev.tunesmith.engine.nn.change;

import dev.tunesmith.engine.nn.Parameter;
import dev.tunesmith.engine.ops.Columns;
import dev.tunesmith.engine.tape.Tape;
import dev.tunesmith.engine.tensor.Tensor;

/// What an adapter makes of the input of a linear layer.
public sealed interface InputMap permits InputMap.Scale, Rotation {

    /// Maps every row and records it.
    Tensor forward(Tape tape, Tensor x_NI);

    /// Changes a weight so that it does the same with the unmapped input.
    void mergeWeight(float[] weight_OI, int inputs);

    /// Takes the map out of a weight again.
    void unmergeWeight(float[] weight_OI, int inputs);

    /// A factor for every input (IA3 in front of feed-forward layers, arXiv 2205.05638).
    record Scale(Parameter factor_I) implements InputMap {
        @Override
        public Tensor forward(Tape tape, Tensor x_NI) {
            Tensor out_NI = tape.tensor(x_NI.type(), x_NI.shape());
            Columns.scale(out_NI, x_NI, factor_I.vector());
            if (tape.tracks(x_NI) || factor_I.trains()) {
                tape.record(out_NI, dOut_NI -> backward(tape, x_NI, dOut_NI));
            }
            return out_NI;
        }

        private void backward(Tape tape, Tensor x_NI, Tensor dOut_NI) {
            if (factor_I.trains()) {
                Columns.addProducts(factor_I.gradient(), dOut_NI, x_NI, tape.region());
            }
            if (tape.tracks(x_NI)) {
                Tensor dx_NI = tape.tensor(dOut_NI.type(), dOut_NI.shape());
                Columns.scale(dx_NI, dOut_NI, factor_I.vector());
                tape.addGradient(x_NI, dx_NI);
            }
        }

        @Override
        public void mergeWeight(float[] weight_OI, int inputs) {
            float[] factors = factor_I.best();
            for (int i = 0; i < weight_OI.length; i++) {
                weight_OI[i] *= factors[i % inputs];
            }
        }

        @Override
        public void unmergeWeight(float[] weight_OI, int inputs) {
            float[] factors = factor_I.best();
            for (int i = 0; i < weight_OI.length; i++) {
                weight_OI[i] /= factors[i % inputs];
            }
        }
    }
}
