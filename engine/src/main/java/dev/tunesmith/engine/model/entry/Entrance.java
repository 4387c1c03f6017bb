package dev.tunesmith.engine.model.entry;

import dev.tunesmith.engine.data.Pictures;
import dev.tunesmith.engine.nn.Context;
import dev.tunesmith.engine.nn.prompt.Prefix;
import dev.tunesmith.engine.nn.prompt.RowSource;
import dev.tunesmith.engine.nn.prompt.VirtualRows;
import dev.tunesmith.engine.nn.prompt.VirtualTokens;
import dev.tunesmith.engine.ops.DocumentAttention;
import dev.tunesmith.engine.tape.Tape;
import dev.tunesmith.engine.tensor.Region;
import dev.tunesmith.engine.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/// What stands before the first block of one view of a model: the entry, the angles of positions,
/// and the virtual tokens of an adapter.
///
/// @param virtualFactor factor of virtual inputs
/// @param learned what comes before every text, or null
public record Entrance(
        Entry entry, PositionAngles angles, double virtualFactor, @Nullable VirtualTokens learned) {

    /// The input of the first block, and what all blocks see.
    ///
    /// @param inserted where rows of virtual tokens lie among those of the text, or null
    public record Entered(Tensor x_ND, Context context, @Nullable VirtualRows inserted) {
        /// The rows of the text among those of the last block.
        public Tensor left(Tape tape, Tensor hidden_ND) {
            return inserted == null ? hidden_ND : inserted.removed(tape, hidden_ND);
        }
    }

    /// Rows of tokens at those places as the first block takes them.
    Tensor placed(Tape tape, Tensor looked_ND, Places places) {
        return entry.place(tape, looked_ND, places.positions_N());
    }

    /// Text with virtual inputs before every document that `rows` says.
    Tensor inserted(Tape tape, Tensor looked_ND, VirtualTokens.Inputs inputs, VirtualRows rows) {
        Tensor rows_VD = inputs.source().rows(tape);
        Tensor virtual_VD =
                virtualFactor == 1 ? rows_VD : RowSource.scaled(tape, rows_VD, virtualFactor);
        return rows.inserted(tape, looked_ND, virtual_VD);
    }

    /// Learned keys and values before every document that `rows` says.
    static Prefix prefix(Tape tape, VirtualTokens.KeysAndValues keys, VirtualRows rows) {
        Tensor table_VC = keys.source().rows(tape);
        Tensor gradient_VC =
                tape.tracks(table_VC) ? Prefix.gradients(tape.region(), table_VC) : null;
        return new Prefix(rows, documents(rows, tape.region()), table_VC, gradient_VC);
    }

    /// Documents of which some begin with virtual tokens.
    static DocumentAttention.Documents documents(VirtualRows rows, Region region) {
        return new DocumentAttention.Documents(region.ints(rows.cuSeqlens_D1()), rows.longest());
    }

    /// Virtual tokens learn to stand before text alone.
    static void requireText(Pictures pictures) {
        if (!pictures.isEmpty()) {
            throw new IllegalArgumentException("virtual tokens do not stand before pictures");
        }
    }
}
