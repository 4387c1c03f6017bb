package dev.tunesmith.engine.tape;

import dev.tunesmith.engine.ops.Lookup;
import dev.tunesmith.engine.tensor.Region;
import dev.tunesmith.engine.tensor.Tensor;

/// Rows that are taken from, or put into, other tensors; recorded.
public final class RowMoves {

    private RowMoves() {}

    /// Those rows of `x`, which must differ.
    public static Tensor select(Tape tape, Tensor x_ND, int[] rows) {
        Region region = tape.region();
        Tensor rows_M = region.ints(rows);
        Tensor y_MD = tape.tensor(x_ND.type(), rows.length, x_ND.width());
        Lookup.gather(y_MD, x_ND, rows_M);
        if (tape.tracks(x_ND)) {
            tape.record(
                    y_MD,
                    dy_MD -> {
                        Tensor dx_ND = tape.region().zeros(x_ND.type(), x_ND.shape());
                        Lookup.scatter(dx_ND, dy_MD, rows_M);
                        tape.addGradient(x_ND, dx_ND);
                    });
        }
        return y_MD;
    }

    /// A copy of `base` in which the given rows are those of `x`.
    public static Tensor place(Tape tape, Tensor base_ND, Tensor x_MD, int[] rows) {
        Region region = tape.region();
        Tensor rows_M = region.ints(rows);
        Tensor y_ND = region.copy(base_ND);
        Lookup.scatter(y_ND, x_MD, rows_M);
        if (tape.tracks(base_ND) || tape.tracks(x_MD)) {
            tape.record(y_ND, dy_ND -> backward(tape, base_ND, x_MD, rows_M, dy_ND));
        }
        return y_ND;
    }

    private static void backward(
            Tape tape, Tensor base_ND, Tensor x_MD, Tensor rows_M, Tensor dy_ND) {
        Tensor dx_MD = tape.tensor(x_MD.type(), x_MD.shape());
        Lookup.gather(dx_MD, dy_ND, rows_M);
        tape.addGradient(x_MD, dx_MD);
        if (tape.tracks(base_ND)) {
            Tensor dBase_ND = tape.region().copy(dy_ND);
            // What was replaced had no effect.
            Lookup.scatter(dBase_ND, tape.region().zeros(x_MD.type(), x_MD.shape()), rows_M);
            tape.addGradient(base_ND, dBase_ND);
        }
    }

    /// The same numbers with several rows joined to one.
    public static Tensor joined(Tape tape, Tensor x_ND, int count) {
        Tensor y = x_ND.reshape(x_ND.rows() / count, x_ND.width() * count);
        if (tape.tracks(x_ND)) {
            tape.record(
                    y, dy -> tape.addGradient(x_ND, tape.region().copy(dy).reshape(x_ND.shape())));
        }
        return y;
    }
}
