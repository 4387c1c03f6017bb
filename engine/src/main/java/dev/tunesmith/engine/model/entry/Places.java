package dev.tunesmith.engine.model.entry;

import dev.tunesmith.engine.data.TokenBatch;
import dev.tunesmith.engine.nn.prompt.VirtualRows;
import java.util.Arrays;

/// Where tokens stand: in their text, and their texts end to end.
///
/// @param positions_N place of each in its text
/// @param lengths_N tokens of the text of each
/// @param cuSeqlens_D1 first token of every text
// Arrays: handed to native code, never compared.
@SuppressWarnings("ArrayRecordComponent")
record Places(int[] positions_N, int[] lengths_N, int[] cuSeqlens_D1) {

    /// Of whole documents that come after so many tokens each.
    static Places of(TokenBatch batch, int before) {
        int[] positions_N = batch.positions_N().clone();
        int[] lengths_N = new int[positions_N.length];
        for (int d = 0; d < batch.documents(); d++) {
            int from = batch.cuSeqlens_D1()[d];
            int to = batch.cuSeqlens_D1()[d + 1];
            Arrays.fill(lengths_N, from, to, before + to - from);
        }
        for (int n = 0; n < positions_N.length; n++) {
            positions_N[n] += before;
        }
        return new Places(positions_N, lengths_N, batch.cuSeqlens_D1());
    }

    /// The same with the rows of virtual tokens among them.
    Places among(VirtualRows rows) {
        return new Places(rows.positions(positions_N), rows.lengths(), rows.cuSeqlens_D1());
    }
}
