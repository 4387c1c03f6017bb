package dev.tunesmith.engine.data;

import java.util.List;

/// The rows that a training run sees: packs of documents, and batches made of them.
///
/// Row numbers are stable: they depend on the lengths of the documents, on strategy and capacity.
/// The order of an epoch is the caller's.
public final class PackedRows {

    private final Documents shard;
    private final List<List<Packing.Piece>> packs;
    private final int capacity;

    private PackedRows(Documents shard, List<List<Packing.Piece>> packs, int capacity) {
        this.shard = shard;
        this.packs = packs;
        this.capacity = capacity;
    }

    /// The lines that a row comes from, in rising order; none if that is not known.
    public List<Long> lines(int row) {
        return packs.get(row).stream()
                .map(piece -> shard.line(piece.row()))
                .filter(line -> line > 0)
                .distinct()
                .sorted()
                .toList();
    }

    /// Documents that can be read at any place.
    public interface Documents {
        /// Lengths of all documents, in order.
        int[] lengths();

        /// A copy of part of a document.
        Sample sample(Packing.Piece piece);

        /// The line of its file that a document comes from; 0 if that is not known.
        default long line(int document) {
            return 0;
        }
    }

    /// Packs all documents, which stay the caller's to close.
    public static PackedRows of(Documents shard, Packing packing, int capacity) {
        if (capacity < 1) {
            throw new IllegalArgumentException("rows of %d tokens".formatted(capacity));
        }
        return new PackedRows(shard, packing.pack(shard.lengths(), capacity), capacity);
    }

    /// Rows of `documents` whole documents each, in order: pairs, for example. They stay the
    /// caller's to close.
    public static PackedRows ofGroups(Documents shard, int documents, int capacity) {
        int[] lengths = shard.lengths();
        if (documents < 1 || lengths.length % documents != 0) {
            throw new IllegalArgumentException(
                    "%d documents in groups of %d".formatted(lengths.length, documents));
        }
        return new PackedRows(
                shard, Packing.Packs.ofGroups(lengths, documents), capacity * documents);
    }

    /// Number of rows.
    public int size() {
        return packs.size();
    }

    /// Number of tokens of all rows.
    public long tokens() {
        long tokens = 0;
        for (List<Packing.Piece> pack : packs) {
            for (Packing.Piece piece : pack) {
                tokens += piece.length();
            }
        }
        return tokens;
    }

    /// Share of the rows' room that tokens fill.
    public double efficiency() {
        return packs.isEmpty() ? 1 : tokens() / ((double) packs.size() * capacity);
    }

    /// The documents of the given rows as one batch, in the order given.
    public TokenBatch batch(int... rows) {
        BatchBuilder batch = new BatchBuilder();
        for (int row : rows) {
            for (Packing.Piece piece : packs.get(row)) {
                batch.add(shard.sample(piece));
            }
        }
        return batch.build();
    }
}
