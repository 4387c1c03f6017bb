package dev.tunesmith.engine.vision;

import dev.tunesmith.engine.data.Pictures;
import dev.tunesmith.engine.data.Pictures.Grid;
import dev.tunesmith.engine.nn.Block;
import dev.tunesmith.engine.nn.Context;
import dev.tunesmith.engine.nn.Linear;
import dev.tunesmith.engine.nn.Norm;
import dev.tunesmith.engine.nn.Parameter;
import dev.tunesmith.engine.nn.PlainMlp;
import dev.tunesmith.engine.nn.position.PositionTable;
import dev.tunesmith.engine.ops.DocumentAttention;
import dev.tunesmith.engine.ops.Lookup;
import dev.tunesmith.engine.ops.Rotation.Angles;
import dev.tunesmith.engine.tape.RowMoves;
import dev.tunesmith.engine.tape.Tape;
import dev.tunesmith.engine.tensor.DType;
import dev.tunesmith.engine.tensor.Region;
import dev.tunesmith.engine.tensor.Tensor;
import dev.tunesmith.kernels.cpu.Rotary.Pairing;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/// A vision transformer and the projector behind it: patches in, rows as wide as embeddings out.
public final class Tower {

    private final Layers layers;
    private final Plan plan;

    /// What a tower consists of.
    ///
    /// @param patches turns the numbers of a patch into a row
    /// @param start what some towers add before the first block
    /// @param last the norm behind the last block
    public record Layers(
            Linear patches,
            @Nullable Start start,
            List<Block> blocks,
            @Nullable Norm last,
            PlainMlp projector) {
        public Layers {
            blocks = List.copyOf(blocks);
        }

        private Layers share() {
            return new Layers(
                    patches.share(),
                    start,
                    blocks.stream().map(Block::share).toList(),
                    last,
                    projector.share());
        }
    }

    /// A row that stands before the patches of each picture, learned positions, and a norm.
    public record Start(Parameter class_D, PositionTable positions, Norm norm) {}

    /// How rows are ordered, and what they see of each other.
    ///
    /// @param merge so many patches in both directions become one row in the end
    /// @param keepsClass whether the row before the patches stays in the result
    /// @param headWidth width of a head
    /// @param theta base of the rotary encoding of rows and columns; 0 for none
    /// @param window patches of a window in each direction; 0 for none
    /// @param whole blocks that see whole pictures although there are windows
    public record Plan(
            int merge,
            boolean keepsClass,
            int headWidth,
            double theta,
            int window,
            Set<Integer> whole) {
        public Plan {
            whole = Set.copyOf(whole);
        }
    }

    /// A tower of these layers.
    public Tower(Layers layers, Plan plan) {
        this.layers = layers;
        this.plan = plan;
    }

    /// The same without additions, sharing all parameters.
    public Tower share() {
        return new Tower(layers.share(), plan);
    }

    /// Rows that a picture becomes.
    public int rows(Grid grid) {
        boolean withClass = layers.start != null && plan.keepsClass;
        return grid.patches() / (plan.merge * plan.merge) + (withClass ? 1 : 0);
    }

    /// All rows of all pictures.
    public Tensor forward(Tape tape, Pictures pictures) {
        Region region = tape.region();
        Tensor values =
                region.tensor(
                        patchType(), pictures.values().length / pictures.width(), pictures.width());
        values.set(pictures.values());
        Tensor x_ND = layers.patches.forward(tape, values);
        List<Grid> grids = pictures.grids();
        Start start = layers.start;
        if (start != null) {
            return projected(tape, withStart(tape, start, x_ND, grids), grids);
        }
        PatchOrder order = PatchOrder.of(grids, plan.merge, plan.window);
        if (plan.window > 0) {
            x_ND = RowMoves.select(tape, x_ND, order.rows());
        }
        List<Angles> angles = plan.theta == 0 ? List.of() : List.of(angles(order, region));
        Context whole = context(order.wholeStarts(), angles, region);
        Context windows = context(order.windowStarts(), angles, region);
        for (int layer = 0; layer < layers.blocks.size(); layer++) {
            boolean all = plan.window == 0 || plan.whole.contains(layer);
            x_ND = layers.blocks.get(layer).forward(tape, x_ND, all ? whole : windows);
        }
        Tensor y_MD = merged(tape, x_ND);
        return plan.window > 0 ? RowMoves.select(tape, y_MD, order.back()) : y_MD;
    }

    private DType patchType() {
        return layers.patches.weight().parameter().orElseThrow().value().type();
    }

    private Tensor merged(Tape tape, Tensor x_ND) {
        Norm last = layers.last;
        Tensor normed = last == null ? x_ND : last.forward(tape, x_ND);
        int unit = plan.merge * plan.merge;
        return layers.projector.forward(
                tape, unit == 1 ? normed : RowMoves.joined(tape, normed, unit));
    }

    private Tensor withStart(Tape tape, Start start, Tensor x_ND, List<Grid> grids) {
        Region region = tape.region();
        int[] patchRows = new int[(int) x_ND.rows()];
        int[] positions = new int[patchRows.length + grids.size()];
        int row = 0;
        int patch = 0;
        for (Grid grid : grids) {
            for (int p = 0; p <= grid.patches(); p++, row++) {
                positions[row] = p;
                if (p > 0) {
                    patchRows[patch++] = row;
                }
            }
        }
        Tensor class_D = start.class_D.value();
        Tensor zeros_N = region.ints(new int[positions.length]);
        Tensor classes_ND = tape.tensor(x_ND.type(), positions.length, x_ND.width());
        Lookup.gather(classes_ND, class_D.reshape(1, class_D.elements()), zeros_N);
        if (start.class_D.trains()) {
            tape.record(
                    classes_ND,
                    d_ND -> {
                        Tensor gradient = start.class_D.gradient();
                        Lookup.gatherBackward(
                                gradient.reshape(1, gradient.elements()), d_ND, zeros_N);
                    });
        }
        Tensor all_ND = RowMoves.place(tape, classes_ND, x_ND, patchRows);
        Tensor placed_ND = start.positions.addTo(tape, all_ND, region.ints(positions));
        return start.norm.forward(tape, placed_ND);
    }

    private Tensor projected(Tape tape, Tensor start_ND, List<Grid> grids) {
        int[] starts = new int[grids.size() + 1];
        for (int g = 0; g < grids.size(); g++) {
            starts[g + 1] = starts[g] + grids.get(g).patches() + 1;
        }
        Context context = context(starts, List.of(), tape.region());
        Tensor x_ND = start_ND;
        for (Block block : layers.blocks) {
            x_ND = block.forward(tape, x_ND, context);
        }
        if (!plan.keepsClass) {
            int[] rows =
                    IntStream.range(0, (int) x_ND.rows())
                            .filter(row -> Arrays.binarySearch(starts, row) < 0)
                            .toArray();
            x_ND = RowMoves.select(tape, x_ND, rows);
        }
        return merged(tape, x_ND);
    }

    private static Context context(int[] starts, List<Angles> angles, Region region) {
        int longest = 0;
        for (int d = 0; d + 1 < starts.length; d++) {
            longest = Math.max(longest, starts[d + 1] - starts[d]);
        }
        return new Context.Whole(
                new DocumentAttention.Documents(region.ints(starts), longest), angles);
    }

    /// Half of the pairs of a head turn by the row of a patch, the others by its column.
    private Angles angles(PatchOrder order, Region region) {
        int half = plan.headWidth / 2;
        int each = half / 2;
        int patches = order.rows().length;
        float[] cos = new float[patches * half];
        float[] sin = new float[patches * half];
        int[] tableRows = new int[patches];
        for (int n = 0; n < patches; n++) {
            tableRows[n] = n;
            for (int i = 0; i < half; i++) {
                float frequency =
                        1f / (float) Math.pow(plan.theta, 2.0 * (i % each) / (2.0 * each));
                int position = i < each ? order.row(n) : order.column(n);
                float angle = position * frequency;
                cos[n * half + i] = (float) Math.cos(angle);
                sin[n * half + i] = (float) Math.sin(angle);
            }
        }
        return new Angles(
                region.floats(cos, patches, half),
                region.floats(sin, patches, half),
                region.ints(tableRows),
                Pairing.HALVES);
    }
}
