package dev.tunesmith.engine.quant;

import dev.tunesmith.engine.io.StoredType;
import dev.tunesmith.engine.io.WeightFiles;
import dev.tunesmith.engine.ops.AdditiveMatrix;
import dev.tunesmith.engine.ops.AdditiveMatrix.Blocks;
import dev.tunesmith.engine.ops.AdditiveMatrix.Books;
import dev.tunesmith.engine.tensor.Region;
import java.util.Optional;

/// Matrices as AQLM stores them (arXiv 2401.06118): for every block of values a code into each of
/// some codebooks, whose vectors are added, and a scale a row of blocks.
///
/// @param rows of a block
/// @param columns of a block
/// @param books vectors that are added
/// @param bits of a code
record Aqlm(int rows, int columns, int books, int bits) implements PackedForm {
    private static final int BITS_MAX = 16;

    static PackedForm of(QuantizationConfig config) {
        return new Aqlm(
                positive(config, "out_group_size", 1, Integer.MAX_VALUE),
                positive(config, "in_group_size", 8, Integer.MAX_VALUE),
                positive(config, "num_codebooks", 1, Integer.MAX_VALUE),
                positive(config, "nbits_per_codebook", BITS_MAX, BITS_MAX));
    }

    private static int positive(QuantizationConfig config, String key, int otherwise, int most) {
        int value = config.integer(key, otherwise);
        if (value < 1 || value > most) {
            config.fault("%s %d is not supported".formatted(key, value));
            return otherwise;
        }
        return value;
    }

    @Override
    public Optional<Found> read(WeightFiles files, Wanted wanted, Region region) {
        var stored = new StoredMatrix(files, wanted, region);
        if (!stored.has("codes")) {
            return Optional.empty();
        }
        var blocks = new Blocks(stored.outputs(), stored.inputs(), rows, columns);
        if (stored.outputs() % rows != 0 || stored.inputs() % columns != 0) {
            throw stored.wrong(
                    "codes",
                    "of blocks [%d, %d] cannot be those of [%d, %d]"
                            .formatted(rows, columns, stored.outputs(), stored.inputs()));
        }
        long count = (long) blocks.down() * blocks.across() * books;
        stored.require("codes", count, bits <= Byte.SIZE ? StoredType.I8 : StoredType.I16);
        long vectors = (long) books << bits;
        float[] values = stored.floats("codebooks", vectors, (long) rows * columns).toFloats();
        float[] scales = stored.floats("scales", blocks.down(), 1).toFloats();
        return stored.found(
                new AdditiveMatrix(
                        blocks, stored.bytes("codes"), new Books(books, bits, values), scales));
    }
}
