package dev.tunesmith.engine.quant;

import dev.tunesmith.engine.io.StoredTensor;
import dev.tunesmith.engine.io.StoredType;
import dev.tunesmith.engine.io.WeightFiles;
import dev.tunesmith.engine.ops.GroupedMatrix;
import dev.tunesmith.engine.tensor.Region;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Experts as gpt-oss stores them: floats of 4 bits (E2M1), of which 32 share a power of two.
///
/// All experts of a layer are one tensor, so that a module ends with the number of the expert. The
/// low half of a byte comes first.
record Mxfp4() implements PackedForm {
    private static final Pattern EXPERT = Pattern.compile("(.+)\\.([^.]+)\\.(\\d+)");
    private static final int GROUP = 32;
    private static final int EXPONENT_OF_ONE = 127;
    private static final float[] VALUES = {
        0, 0.5f, 1, 1.5f, 2, 3, 4, 6, -0f, -0.5f, -1, -1.5f, -2, -3, -4, -6
    };

    static PackedForm of(QuantizationConfig config) {
        return new Mxfp4();
    }

    @Override
    public Optional<Found> read(WeightFiles files, Wanted wanted, Region region) {
        Matcher expert = EXPERT.matcher(wanted.module());
        if (!expert.matches()) {
            return Optional.empty();
        }
        var module = new Wanted(expert.group(1), wanted.outputs(), wanted.inputs());
        var stored = new StoredMatrix(files, module, region);
        String blocks = expert.group(2) + "_blocks";
        String scales = expert.group(2) + "_scales";
        if (!stored.has(blocks)) {
            return Optional.empty();
        }
        int number = Integer.parseInt(expert.group(3));
        long outputs = stored.outputs();
        long inputs = stored.inputs();
        StoredTensor all = stored.any(blocks);
        long experts = all.shape().isEmpty() ? 0 : all.shape().getFirst();
        if (number >= experts || inputs % GROUP != 0) {
            throw stored.wrong(
                    blocks,
                    "has %d experts and groups of %d, expert %d is [%d, %d]"
                            .formatted(experts, GROUP, number, outputs, inputs));
        }
        stored.require(blocks, experts * outputs * inputs / 2, StoredType.U8);
        stored.require(scales, experts * outputs * inputs / GROUP, StoredType.U8);
        MemorySegment codes = stored.bytes(blocks);
        long first = number * outputs * inputs / 2;
        return stored.found(
                stored.matrix(
                        (output, input) -> {
                            int pair =
                                    codes.get(
                                            ValueLayout.JAVA_BYTE,
                                            first + (output * inputs + input) / 2);
                            return input % 2 == 0 ? pair & 0xf : pair >> 4 & 0xf;
                        },
                        VALUES,
                        groups(stored, stored.bytes(scales), number)));
    }

    private static GroupedMatrix.Groups groups(
            StoredMatrix stored, MemorySegment exponents, int number) {
        long columns = stored.inputs() / GROUP;
        long first = number * stored.outputs() * columns;
        float[] scales = new float[Math.toIntExact(stored.outputs() * columns)];
        for (int at = 0; at < scales.length; at++) {
            int exponent = exponents.get(ValueLayout.JAVA_BYTE, first + at) & 0xff;
            scales[at] = Math.scalb(1f, exponent - EXPONENT_OF_ONE);
        }
        return new GroupedMatrix.Groups(
                stored.groups(stored.outputs(), output -> output),
                stored.groups(stored.inputs(), input -> input / GROUP),
                stored.floats(scales, stored.outputs(), columns),
                Optional.empty());
    }
}
