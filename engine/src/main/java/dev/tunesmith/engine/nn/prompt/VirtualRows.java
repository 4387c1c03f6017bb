package dev.tunesmith.engine.nn.prompt;

import dev.tunesmith.engine.ops.Lookup;
import dev.tunesmith.engine.tape.Tape;
import dev.tunesmith.engine.tensor.DType;
import dev.tunesmith.engine.tensor.Region;
import dev.tunesmith.engine.tensor.Tensor;
import java.util.Arrays;

/// Where virtual tokens stand when documents of a batch begin with them.
///
/// @param cuSeqlens_D1 where documents begin when the virtual tokens are counted
/// @param virtualPlaces_M where rows of virtual tokens go
/// @param virtualRows_M which of them each is
// Arrays: handed to native code, never compared.
@SuppressWarnings("ArrayRecordComponent")
public record VirtualRows(
        int[] cuSeqlens_D1, Tensor textPlaces_N, Tensor virtualPlaces_M, Tensor virtualRows_M) {

    /// For documents that have `counts_D` more tokens than `cuSeqlens_D1` says.
    public static VirtualRows before(int[] counts_D, int[] cuSeqlens_D1, Region region) {
        int documents = counts_D.length;
        int[] grown_D1 = new int[documents + 1];
        int[] text_N = new int[cuSeqlens_D1[documents]];
        int[] places_M = new int[Arrays.stream(counts_D).sum()];
        int[] rows_M = new int[places_M.length];
        int m = 0;
        for (int d = 0; d < documents; d++) {
            int length = cuSeqlens_D1[d + 1] - cuSeqlens_D1[d];
            grown_D1[d + 1] = grown_D1[d] + counts_D[d] + length;
            for (int v = 0; v < counts_D[d]; v++, m++) {
                places_M[m] = grown_D1[d] + v;
                rows_M[m] = v;
            }
            for (int n = 0; n < length; n++) {
                text_N[cuSeqlens_D1[d] + n] = grown_D1[d] + counts_D[d] + n;
            }
        }
        return new VirtualRows(
                grown_D1, region.ints(text_N), region.ints(places_M), region.ints(rows_M));
    }

    /// Tokens with the virtual ones.
    public int tokens() {
        return cuSeqlens_D1[cuSeqlens_D1.length - 1];
    }

    /// The position of every token in its document, when the text goes on at `positions_N`.
    public int[] positions(int[] positions_N) {
        int[] positions_M = new int[tokens()];
        float[] rows_M = virtualRows_M.toFloats();
        float[] places_M = virtualPlaces_M.toFloats();
        for (int m = 0; m < rows_M.length; m++) {
            positions_M[(int) places_M[m]] = (int) rows_M[m];
        }
        float[] text_N = textPlaces_N.toFloats();
        for (int n = 0; n < text_N.length; n++) {
            positions_M[(int) text_N[n]] = positions_N[n];
        }
        return positions_M;
    }

    /// The length of the document of every token.
    public int[] lengths() {
        int[] lengths_M = new int[tokens()];
        for (int d = 1; d < cuSeqlens_D1.length; d++) {
            int from = cuSeqlens_D1[d - 1];
            Arrays.fill(lengths_M, from, cuSeqlens_D1[d], cuSeqlens_D1[d] - from);
        }
        return lengths_M;
    }

    /// Tokens of the longest document.
    public int longest() {
        int longest = 0;
        for (int d = 1; d < cuSeqlens_D1.length; d++) {
            longest = Math.max(longest, cuSeqlens_D1[d] - cuSeqlens_D1[d - 1]);
        }
        return longest;
    }

    /// The rows of the text with those of the virtual tokens before every document, recorded.
    public Tensor inserted(Tape tape, Tensor text_ND, Tensor virtual_VD) {
        Tensor all_MD = joined(tape.region(), text_ND, virtual_VD);
        if (tape.tracks(text_ND) || tape.tracks(virtual_VD)) {
            tape.record(
                    all_MD,
                    dAll_MD -> {
                        tape.addGradient(text_ND, text(tape.region(), dAll_MD));
                        if (tape.tracks(virtual_VD)) {
                            Tensor dVirtual_VD = tape.tensor(virtual_VD.type(), virtual_VD.shape());
                            dVirtual_VD.set(virtualSums(tape.region(), dAll_MD, virtual_VD.rows()));
                            tape.addGradient(virtual_VD, dVirtual_VD);
                        }
                    });
        }
        return all_MD;
    }

    /// Only the rows of the text, recorded.
    public Tensor removed(Tape tape, Tensor all_MD) {
        Tensor text_ND = text(tape.region(), all_MD);
        if (tape.tracks(all_MD)) {
            tape.record(
                    text_ND, dText_ND -> tape.addGradient(all_MD, spread(tape.region(), dText_ND)));
        }
        return text_ND;
    }

    /// Rows of the text among rows of zeros.
    public Tensor spread(Region region, Tensor text_NC) {
        Tensor all_MC = region.zeros(text_NC.type(), tokens(), text_NC.width());
        Lookup.scatter(all_MC, text_NC, textPlaces_N);
        return all_MC;
    }

    /// Rows of the text with the same virtual rows before every document.
    public Tensor joined(Region region, Tensor text_NC, Tensor virtual_VC) {
        Tensor all_MC = spread(region, text_NC);
        if (virtualRows_M.elements() == 0) {
            return all_MC;
        }
        Tensor repeated_MC =
                region.tensor(text_NC.type(), virtualRows_M.elements(), text_NC.width());
        Lookup.gather(repeated_MC, virtual_VC, virtualRows_M);
        Lookup.scatter(all_MC, repeated_MC, virtualPlaces_M);
        return all_MC;
    }

    /// Rows of the text.
    public Tensor text(Region region, Tensor all_MC) {
        Tensor text_NC = region.tensor(all_MC.type(), textPlaces_N.elements(), all_MC.width());
        Lookup.gather(text_NC, all_MC, textPlaces_N);
        return text_NC;
    }

    /// Rows of the virtual tokens, summed over documents.
    ///
    /// @param count how many there are
    public float[] virtualSums(Region region, Tensor all_MC, long count) {
        Tensor sums_VC = region.zeros(DType.F32, count, all_MC.width());
        Tensor rows_MC = region.tensor(all_MC.type(), virtualRows_M.elements(), all_MC.width());
        Lookup.gather(rows_MC, all_MC, virtualPlaces_M);
        Lookup.gatherBackward(sums_VC, rows_MC, virtualRows_M);
        return sums_VC.toFloats();
    }
}
