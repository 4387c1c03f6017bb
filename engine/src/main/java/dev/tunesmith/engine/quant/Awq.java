package dev.tunesmith.engine.quant;

import dev.tunesmith.engine.io.StoredType;
import dev.tunesmith.engine.io.WeightFiles;
import dev.tunesmith.engine.ops.GroupedMatrix;
import dev.tunesmith.engine.tensor.Region;
import java.util.Optional;

/// Matrices as AWQ's `gemm` layout stores them (arXiv 2306.00978): codes and zero points of four
/// bits, packed along the outputs with the outputs of every word shuffled.
///
/// @param group inputs that share a scale, or -1 for all
record Awq(long group) implements PackedForm {
    private static final int BITS = 4;
    private static final int IN_A_WORD = 8;

    /// Where in its word output 0, 1, 2 … of eight is.
    private static final int[] PLACES = {0, 4, 1, 5, 2, 6, 3, 7};

    static PackedForm of(QuantizationConfig config) {
        int _ = config.integerAmong(config.has("w_bit") ? "w_bit" : "bits", BITS);
        String _ = config.text("version", "gemm", "GEMM");
        String size = config.has("q_group_size") ? "q_group_size" : "group_size";
        return new Awq(config.integer(size, 128));
    }

    @Override
    public Optional<Found> read(WeightFiles files, Wanted wanted, Region region) {
        var stored = new StoredMatrix(files, wanted, region);
        if (!stored.has("qweight")) {
            return Optional.empty();
        }
        long outputs = stored.outputs();
        long inputs = stored.inputs();
        long groupSize = group < 0 ? inputs : group;
        long groups = Math.ceilDiv(inputs, groupSize);
        long words = Math.ceilDiv(outputs, (long) IN_A_WORD);
        stored.require("qweight", inputs * words, StoredType.I32);
        stored.require("qzeros", groups * words, StoredType.I32);
        var zeros = new BitFields(stored.bytes("qzeros"), BITS, 1);
        GroupedMatrix.Groups grouping =
                stored.transposed(
                        groups,
                        (o, g) -> zeros.at(g * words, place(o)),
                        stored.groups(inputs, i -> i / groupSize));
        var codes = new BitFields(stored.bytes("qweight"), BITS, 1);
        return stored.found(
                stored.matrix(
                        (o, i) -> codes.at(i * words, place(o)),
                        StoredMatrix.unsignedOfBits(BITS),
                        grouping));
    }

    private static long place(long output) {
        return output / IN_A_WORD * IN_A_WORD + PLACES[(int) (output % IN_A_WORD)];
    }
}
