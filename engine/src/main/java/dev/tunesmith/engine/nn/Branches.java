package dev.tunesmith.engine.nn;

import dev.tunesmith.engine.tape.Tape;
import dev.tunesmith.engine.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;

/// Linear layers that read the same input: one matrix each, or one matrix whose outputs lie side by
/// side.
public sealed interface Branches permits Branches.Separate, Branches.Fused, LatentBranches {

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
            return Linear.forward(tape, x_NI, linears);
        }

        @Override
        public Branches share() {
            return new Separate(linears.stream().map(Linear::share).toList());
        }
    }

    /// One layer for all branches.
    ///
    /// @param branches which outputs of the layer are which branch
    record Fused(Linear layer, List<List<Columns>> branches) implements Branches {
        public Fused {
            branches = branches.stream().map(List::copyOf).toList();
        }

        /// Branches side by side.
        ///
        /// @param widths outputs of each branch, in their order
        public static Fused sideBySide(Linear layer, List<Integer> widths) {
            List<List<Columns>> branches = new ArrayList<>();
            int from = 0;
            for (int width : widths) {
                branches.add(List.of(new Columns(from, from + width)));
                from += width;
            }
            return new Fused(layer, branches);
        }

        /// Groups side by side, each with a part of every branch.
        ///
        /// @param widths outputs of each branch in one group
        public static Fused grouped(Linear layer, int groups, List<Integer> widths) {
            int groupWidth = widths.stream().mapToInt(Integer::intValue).sum();
            List<List<Columns>> branches = new ArrayList<>();
            int from = 0;
            for (int width : widths) {
                List<Columns> parts = new ArrayList<>();
                for (int g = 0; g < groups; g++) {
                    int at = g * groupWidth + from;
                    parts.add(new Columns(at, at + width));
                }
                branches.add(parts);
                from += width;
            }
            return new Fused(layer, branches);
        }

        @Override
        public List<Tensor> forward(Tape tape, Tensor x_NI) {
            Tensor y_NO = layer.forward(tape, x_NI);
            return branches.stream().map(columns -> part(tape, y_NO, columns)).toList();
        }

        /// Columns as a tensor of their own: the operations behind want rows without gaps.
        static Tensor part(Tape tape, Tensor y_NO, List<Columns> columns) {
            int width = columns.stream().mapToInt(Columns::width).sum();
            Tensor part = tape.tensor(y_NO.type(), y_NO.rows(), width);
            int at = 0;
            for (Columns piece : columns) {
                part.columnRange(at, at + piece.width())
                        .copyFrom(y_NO.columnRange(piece.from, piece.to));
                at += piece.width();
            }
            if (tape.tracks(y_NO)) {
                tape.record(part, dPart -> collect(tape, y_NO, dPart, columns));
            }
            return part;
        }

        /// Nothing but the parts reads the output, and they do not overlap.
        private static void collect(Tape tape, Tensor y_NO, Tensor dPart, List<Columns> columns) {
            Tape.Sink sink = tape.sink(y_NO);
            if (sink.empty()) {
                sink.into().clear();
            }
            int at = 0;
            for (Columns piece : columns) {
                sink.into()
                        .columnRange(piece.from, piece.to)
                        .copyFrom(dPart.columnRange(at, at + piece.width()));
                at += piece.width();
            }
        }

        @Override
        public List<Linear> linears() {
            return List.of(layer);
        }

        @Override
        public Branches share() {
            return new Fused(layer.share(), branches);
        }
    }

    /// Some outputs of a layer.
    record Columns(int from, int to) {
        int width() {
            return to - from;
        }
    }
}
