package dev.tunesmith.engine.nn.position;

import dev.tunesmith.engine.nn.Parameter;
import dev.tunesmith.engine.ops.Elementwise;
import dev.tunesmith.engine.ops.Lookup;
import dev.tunesmith.engine.tape.Tape;
import dev.tunesmith.engine.tensor.Tensor;

/// Learned positions: one row for each, added to the embedding.
public record PositionTable(Parameter table_PD) {

    /// Adds the row of every token's position and records it.
    public Tensor addTo(Tape tape, Tensor x_ND, Tensor positions_N) {
        Tensor y_ND = tape.tensor(x_ND.type(), x_ND.shape());
        Lookup.gather(y_ND, table_PD.value(), positions_N);
        Elementwise.add(y_ND, y_ND, x_ND);
        if (tape.tracks(x_ND) || table_PD.trains()) {
            tape.record(y_ND, dy_ND -> backward(tape, x_ND, dy_ND, positions_N));
        }
        return y_ND;
    }

    private void backward(Tape tape, Tensor x_ND, Tensor dy_ND, Tensor positions_N) {
        if (table_PD.trains()) {
            Lookup.gatherBackward(table_PD.gradient(), dy_ND, positions_N);
        }
        tape.shareGradient(dy_ND, x_ND);
    }
}
