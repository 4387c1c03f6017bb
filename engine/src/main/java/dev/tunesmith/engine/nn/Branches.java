package dev.tunesmith.engine.nn;

import dev.tunesmith.engine.tape.Tape;
import dev.tunesmith.engine.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;

/// Linear layers that read the same input: one matrix each, or one matrix whose outputs lie side by
/// side.
public sealed interface Branches {

    /// The output of every branch.
    List<Tensor> forward(Tape tape, Tensor x_NI);

    /// The layers that there are.
    List<Linear> linears();

    /// The same layers without additions, sharing all parameters.
    Branches share();

    /// A layer for each branch.
    static Branches of(Linear... layers) {
        return new Separate(List.of(layers));
    }

    /// A layer for each branch.
    record Separate(List<Linear> linears) implements Branches {
        public Separate {
            linears = List.copyOf(linears);
        }

        @Override
        public List<Tensor> forward(Tape tape, Tensor x_NI) {
            return linears.stream().map(linear -> linear.forward(tape, x_NI)).toList();
        }

        @Override
        public Branches share() {
            return new Separate(linears.stream().map(Linear::share).toList());
        }
    }

    /// One layer for all branches.
    ///
    /// @param widths outputs of each branch, in their order
    record Fused(Linear layer, List<Integer> widths) implements Branches {
        public Fused {
            widths = List.copyOf(widths);
        }

        @Override
        public List<Tensor> forward(Tape tape, Tensor x_NI) {
            Tensor y_NO = layer.forward(tape, x_NI);
            List<Tensor> parts = new ArrayList<>();
            int from = 0;
            for (int width : widths) {
                parts.add(part(tape, y_NO, from, from + width));
                from += width;
            }
            return parts;
        }

        /// Columns as a tensor of their own: the operations behind want rows without gaps.
        private static Tensor part(Tape tape, Tensor y_NO, int from, int to) {
            Tensor part = tape.tensor(y_NO.type(), y_NO.rows(), to - from);
            part.copyFrom(y_NO.columnRange(from, to));
            if (tape.tracks(y_NO)) {
                tape.record(part, dPart -> collect(tape, y_NO, dPart, from, to));
            }
            return part;
        }

        /// Nothing but the parts reads the output, and they do not overlap.
        private static void collect(Tape tape, Tensor y_NO, Tensor dPart, int from, int to) {
            Tape.Sink sink = tape.sink(y_NO);
            if (sink.empty()) {
                sink.into().clear();
            }
            sink.into().columnRange(from, to).copyFrom(dPart);
        }

        @Override
        public List<Linear> linears() {
            return List.of(layer);
        }

        @Override
        public Branches share() {
            return new Fused(layer.share(), widths);
        }
    }
}
