package dev.tunesmith.engine.ops;

import dev.tunesmith.engine.tensor.Bfloat16;
import dev.tunesmith.engine.tensor.DType;
import dev.tunesmith.engine.tensor.Region;
import dev.tunesmith.engine.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.stream.IntStream;

/// A frozen matrix whose blocks are sums of vectors from codebooks, times a scale a row of blocks
/// (AQLM, arXiv 2401.06118). Decoded as a whole for every product: compact, but slow.
public final class AdditiveMatrix implements CodedMatrix {
    private final Blocks blocks;
    private final MemorySegment codes;
    private final Books books;
    private final float[] scales;

    /// How the matrix is cut.
    ///
    /// @param rows of a block
    /// @param columns of a block
    public record Blocks(long outputs, long inputs, int rows, int columns) {
        /// Blocks one above the other.
        public int down() {
            return Math.toIntExact(outputs / rows);
        }

        /// Blocks side by side.
        public int across() {
            return Math.toIntExact(inputs / columns);
        }
    }

    /// Books of vectors, each as long as a block.
    ///
    /// @param count so many vectors are added
    /// @param bits of a code, at most 16
    /// @param values book after book, vector after vector
    // Arrays: read only.
    @SuppressWarnings("ArrayRecordComponent")
    public record Books(int count, int bits, float[] values) {
        /// Bytes that a code takes in a file.
        public int codeBytes() {
            return bits <= Byte.SIZE ? 1 : 2;
        }
    }

    /// A matrix over codes that live as long as it.
    ///
    /// @param codes a code a book, block after block; upper bits repeat the sign
    /// @param scales one a row of blocks
    public AdditiveMatrix(Blocks blocks, MemorySegment codes, Books books, float[] scales) {
        this.blocks = blocks;
        this.codes = codes;
        this.books = books;
        this.scales = scales.clone();
    }

    @Override
    public long outputs() {
        return blocks.outputs;
    }

    @Override
    public long inputs() {
        return blocks.inputs;
    }

    @Override
    public void decode(Tensor w_OI) {
        w_OI.write(to -> decode(to, w_OI));
    }

    private void decode(MemorySegment to, Tensor w_OI) {
        boolean wide = w_OI.type() == DType.F32;
        IntStream.range(0, blocks.down())
                .parallel()
                .forEach(down -> {
                    float[] rows = rows(down);
                    long from = (long) down * rows.length;
                    for (int i = 0; i < rows.length; i++) {
                        if (wide) {
                            to.setAtIndex(ValueLayout.JAVA_FLOAT_UNALIGNED, from + i, rows[i]);
                        } else {
                            to.setAtIndex(
                                    ValueLayout.JAVA_SHORT_UNALIGNED,
                                    from + i,
                                    Bfloat16.of(rows[i]));
                        }
                    }
                });
    }

    /// The rows of one row of blocks.
    private float[] rows(int down) {
        int inputs = Math.toIntExact(blocks.inputs);
        int size = blocks.rows * blocks.columns;
        float[] rows = new float[blocks.rows * inputs];
        float[] sum = new float[size];
        for (int across = 0; across < blocks.across(); across++) {
            Arrays.fill(sum, 0);
            for (int book = 0; book < books.count; book++) {
                int vector = (book << books.bits) + code(down, across, book);
                for (int i = 0; i < size; i++) {
                    sum[i] += books.values[vector * size + i];
                }
            }
            for (int i = 0; i < size; i++) {
                rows[i / blocks.columns * inputs + across * blocks.columns + i % blocks.columns] =
                        scales[down] * sum[i];
            }
        }
        return rows;
    }

    private int code(int down, int across, int book) {
        long at = ((long) down * blocks.across() + across) * books.count + book;
        int stored =
                books.codeBytes() == 1
                        ? codes.get(ValueLayout.JAVA_BYTE, at)
                        : codes.getAtIndex(ValueLayout.JAVA_SHORT_UNALIGNED, at);
        return stored & ((1 << books.bits) - 1);
    }

    @Override
    public void fewRows(Tensor y_NO, Tensor x_NI) {
        try (Region scratch = Region.lasting("decoded weights")) {
            Tensor w_OI = scratch.tensor(x_NI.type(), outputs(), inputs());
            decode(w_OI);
            Products.linear(y_NO, x_NI, w_OI);
        }
    }
}
