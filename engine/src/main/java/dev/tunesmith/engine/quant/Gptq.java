package dev.tunesmith.engine.quant;

import dev.tunesmith.engine.io.StoredType;
import dev.tunesmith.engine.io.WeightFiles;
import dev.tunesmith.engine.ops.GroupedMatrix;
import dev.tunesmith.engine.tensor.Region;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Map;
import java.util.Optional;
import java.util.stream.LongStream;

/// Matrices as GPTQ's tools store them (arXiv 2210.17323): codes packed along the inputs, zero
/// points along the outputs, and for every input the group whose scale it has.
///
/// @param group inputs that share a scale, or -1 for all
/// @param zeroAsIs whether zero points are stored as they are (`gptq_v2`) or one less (`gptq`)
record Gptq(int bits, long group, boolean zeroAsIs) implements PackedForm {

    static PackedForm of(QuantizationConfig config) {
        String format = config.text("checkpoint_format", "gptq", "gptq_v2");
        return new Gptq(
                config.integerAmong("bits", 4, 8, 3, 2),
                config.integer("group_size", 128),
                format.equals("gptq_v2"));
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
        long words = BitFields.words(inputs, bits);
        stored.require("qweight", words * outputs, StoredType.I32);
        long zeroWords = BitFields.words(outputs, bits);
        stored.require("qzeros", groups * zeroWords, StoredType.I32);
        BitFields zeros = zeros(stored.bytes("qzeros"), groups * zeroWords);
        long[] order =
                stored.has("g_idx")
                        ? stored.integers("g_idx", inputs)
                        : LongStream.range(0, inputs).map(i -> i / groupSize).toArray();
        GroupedMatrix.Groups grouping =
                stored.transposed(
                        groups,
                        (o, g) -> zero(zeros.at(g * zeroWords, o)),
                        stored.groups(inputs, i -> group(stored, order[(int) i], groups)));
        var codes = new BitFields(stored.bytes("qweight"), bits, outputs);
        return stored.found(stored.matrix(codes::at, StoredMatrix.unsignedOfBits(bits), grouping));
    }

    private static long group(StoredMatrix stored, long group, long groups) {
        if (group < 0 || group >= groups) {
            throw stored.wrong(
                    "g_idx", "has group %d, there are %d groups".formatted(group, groups));
        }
        return group;
    }

    /// Format `gptq` stores every word less a one in each of its numbers, with borrows across
    /// numbers; 3-bit numbers, which cross words, are stored one by one.
    private BitFields zeros(MemorySegment stored, long words) {
        if (zeroAsIs) {
            return new BitFields(stored, bits, 1);
        }
        int ones = ones();
        MemorySegment raised = MemorySegment.ofArray(new int[Math.toIntExact(words)]);
        for (long word = 0; word < words; word++) {
            int less = stored.getAtIndex(ValueLayout.JAVA_INT_UNALIGNED, word);
            raised.setAtIndex(ValueLayout.JAVA_INT_UNALIGNED, word, less + ones);
        }
        return new BitFields(raised, bits, 1);
    }

    private int zero(int stored) {
        boolean single = !zeroAsIs && ones() == 0;
        return single ? (stored + 1) & ((1 << bits) - 1) : stored;
    }

    private int ones() {
        return Map.of(2, 0x55555555, 4, 0x11111111, 8, 0x01010101).getOrDefault(bits, 0);
    }
}
