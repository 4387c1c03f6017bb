package dev.tunesmith.engine.quant;

import dev.tunesmith.engine.io.StoredType;
import dev.tunesmith.engine.io.WeightFiles;
import dev.tunesmith.engine.ops.GroupedMatrix;
import dev.tunesmith.engine.tensor.Region;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Optional;

/// Matrices as EETQ stores them: 8-bit integers with a scale an output, in the order in which the
/// matrix units of GPUs from Turing to Hopper want to load them (the "mixed gemm" layout of
/// FasterTransformer).
///
/// Inputs are shuffled inside groups of 16; two outputs lie side by side in runs of 64 inputs; the
/// middle two of every four bytes are swapped; 128 is added.
record Eetq() implements PackedForm {
    private static final int RUN = 64;
    private static final int SIDE_BY_SIDE = 2;
    private static final int OFFSET = 128;

    /// Where in its group of 16 the input 0, 1, 2 … is.
    private static final int[] PLACES = {0, 1, 4, 5, 8, 9, 12, 13, 2, 3, 6, 7, 10, 11, 14, 15};

    static PackedForm of(QuantizationConfig config) {
        String _ = config.text("weights", "int8");
        return new Eetq();
    }

    @Override
    public Optional<Found> read(WeightFiles files, Wanted wanted, Region region) {
        var stored = new StoredMatrix(files, wanted, region);
        if (!stored.has("weight_scales")) {
            return Optional.empty();
        }
        long outputs = stored.outputs();
        long inputs = stored.inputs();
        if (outputs % SIDE_BY_SIDE != 0 || inputs % RUN != 0) {
            throw stored.wrong(
                    "weight",
                    "needs inputs in runs of %d and outputs in pairs, the layer is [%d, %d]"
                            .formatted(RUN, outputs, inputs));
        }
        stored.require("weight", outputs * inputs, StoredType.I8);
        var scales =
                new GroupedMatrix.Groups(
                        stored.groups(outputs, output -> output),
                        stored.groups(inputs, input -> 0),
                        stored.floats("weight_scales", outputs, 1),
                        Optional.empty());
        float[] table = StoredMatrix.unsigned(GroupedMatrix.CODES);
        for (int code = 0; code < table.length; code++) {
            table[code] -= OFFSET;
        }
        MemorySegment bytes = stored.bytes("weight");
        return stored.found(
                stored.matrix(
                        (output, input) ->
                                bytes.get(ValueLayout.JAVA_BYTE, place(output, input, inputs))
                                        & 0xff,
                        table,
                        scales));
    }

    private static long place(long output, long input, long inputs) {
        long shuffled = input / PLACES.length * PLACES.length + PLACES[(int) (input % 16)];
        long pair = output / SIDE_BY_SIDE * SIDE_BY_SIDE * inputs;
        long run = shuffled / RUN * RUN * SIDE_BY_SIDE + output % SIDE_BY_SIDE * RUN;
        long at = pair + run + shuffled % RUN;
        return switch ((int) (at % 4)) {
            case 1 -> at + 1;
            case 2 -> at - 1;
            default -> at;
        };
    }
}
