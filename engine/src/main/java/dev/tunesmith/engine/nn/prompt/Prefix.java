package dev.tunesmith.engine.nn.prompt;

import dev.tunesmith.engine.ops.DocumentAttention;
import dev.tunesmith.engine.ops.Elementwise;
import dev.tunesmith.engine.tape.Tape;
import dev.tunesmith.engine.tensor.DType;
import dev.tunesmith.engine.tensor.Region;
import dev.tunesmith.engine.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/// Learned keys and values of a batch, for all layers.
///
/// @param documents where documents begin when the virtual tokens are counted
/// @param table_VC one row a virtual token: for each layer its keys, then its values
/// @param gradient_VC fp32 sum of the gradients of all layers, or null if nothing trains
public record Prefix(
        VirtualRows rows,
        DocumentAttention.Documents documents,
        Tensor table_VC,
        @Nullable Tensor gradient_VC) {

    /// Keys of a layer.
    public Tensor keys(Region region, int layer, long width) {
        return part(region, 2L * layer, width);
    }

    /// Values of a layer.
    public Tensor values(Region region, int layer, long width) {
        return part(region, 2L * layer + 1, width);
    }

    private Tensor part(Region region, long part, long width) {
        Tensor copy = region.tensor(table_VC.type(), table_VC.rows(), width);
        copy.copyFrom(table_VC.columnRange(part * width, (part + 1) * width));
        return copy;
    }

    /// Whether gradients are wanted.
    public boolean trains() {
        return gradient_VC != null;
    }

    /// Adds the gradients of a layer's keys and values, whose rows are those of all documents.
    public void collect(Region region, int layer, Tensor dKeys_MC, Tensor dValues_MC) {
        if (gradient_VC == null) {
            return;
        }
        float[] sums = gradient_VC.toFloats();
        add(sums, rows.virtualSums(region, dKeys_MC, table_VC.rows()), 2 * layer);
        add(sums, rows.virtualSums(region, dValues_MC, table_VC.rows()), 2 * layer + 1);
        gradient_VC.set(sums);
    }

    private void add(float[] sums, float[] more, int part) {
        int count = (int) table_VC.rows();
        int all = (int) table_VC.width();
        int width = more.length / count;
        for (int i = 0; i < more.length; i++) {
            sums[i / width * all + part * width + i % width] += more[i];
        }
    }

    /// The input of the first block, recorded so that the gradients that all blocks have collected
    /// flow on behind it.
    public Tensor behind(Tape tape, Tensor x_ND) {
        if (gradient_VC == null) {
            return x_ND;
        }
        Tensor same_ND = x_ND.reshape(x_ND.shape());
        tape.record(
                same_ND,
                d_ND -> {
                    Tensor d_VC = tape.tensor(table_VC.type(), table_VC.shape());
                    Elementwise.convert(d_VC, gradient_VC);
                    tape.addGradient(table_VC, d_VC);
                    tape.shareGradient(d_ND, x_ND);
                });
        return same_ND;
    }

    /// A place for gradients.
    public static Tensor gradients(Region region, Tensor table_VC) {
        return region.zeros(DType.F32, table_VC.shape());
    }
}
