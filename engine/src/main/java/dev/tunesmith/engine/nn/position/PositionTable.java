package dev.tunesmith.engine.nn.position;

import dev.tunesmith.engine.nn.Embedding;
import dev.tunesmith.engine.ops.Elementwise;
import dev.tunesmith.engine.tape.Tape;
import dev.tunesmith.engine.tensor.Tensor;

/// Learned positions: one row for each, added to the embedding.
public record PositionTable(Embedding table) {

    /// Adds the row of every token's position and records it.
    public Tensor addTo(Tape tape, Tensor x_ND, Tensor positions_N) {
        Tensor rows_ND = table.forward(tape, positions_N);
        Tensor y_ND = rows_ND.reshape(rows_ND.shape());
        Elementwise.add(y_ND, rows_ND, x_ND);
        if (tape.tracks(x_ND) || tape.tracks(rows_ND)) {
            tape.record(y_ND, dy_ND -> tape.shareGradient(dy_ND, rows_ND, x_ND));
        }
        return y_ND;
    }
}
