package dev.tunesmith.engine.prepare;

import dev.tunesmith.engine.data.Packing;
import java.util.List;

/// How full rows become when documents share them.
///
/// @param fullness part of all places that hold a token
/// @param unpackedFullness the same with a padded row for each document, cut at the capacity
/// @param documentsPerRow on average
/// @param cutDocuments documents that are longer than a row
public record PackingFigures(
        long documents,
        long tokens,
        int capacity,
        long rows,
        double fullness,
        double unpackedFullness,
        double documentsPerRow,
        int documentsPerRowMax,
        long cutDocuments) {

    /// What a strategy makes of documents of these lengths.
    public static PackingFigures of(int[] lengths, int capacity, Packing packing) {
        List<List<Packing.Piece>> rows = packing.pack(lengths, capacity);
        long packed = 0;
        long pieces = 0;
        int most = 0;
        for (List<Packing.Piece> row : rows) {
            packed += row.stream().mapToLong(Packing.Piece::length).sum();
            pieces += row.size();
            most = Math.max(most, row.size());
        }
        long documents = 0;
        long tokens = 0;
        long heads = 0;
        long cut = 0;
        for (int length : lengths) {
            documents += length > 0 ? 1 : 0;
            tokens += length;
            heads += Math.min(length, capacity);
            cut += length > capacity ? 1 : 0;
        }
        return new PackingFigures(
                documents,
                tokens,
                capacity,
                rows.size(),
                share(packed, (long) rows.size() * capacity),
                share(heads, documents * capacity),
                share(pieces, rows.size()),
                most,
                cut);
    }

    /// Rounded to four places.
    private static double share(long part, long whole) {
        return whole == 0 ? 0 : Math.round(part * 1e4 / whole) / 1e4;
    }
}
