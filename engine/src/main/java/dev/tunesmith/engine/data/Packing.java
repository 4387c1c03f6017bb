package dev.tunesmith.engine.data;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/// How documents are laid into rows of limited length, over the whole set and deterministically.
///
/// The strategies and their tie rules are those of TRL (`pack_dataset`), which applies them batch
/// by batch. Empty documents vanish.
public enum Packing {
    /// Every document has its own row; one that is longer has several: no token is lost.
    NONE {
        @Override
        public List<List<Piece>> pack(int[] lengths, int capacity) {
            return pieces(lengths, capacity).stream().map(List::of).toList();
        }
    },

    /// Best fit, longest first; what is longer than a row is cut off. The caller counts the cut.
    BEST_FIT {
        @Override
        public List<List<Piece>> pack(int[] lengths, int capacity) {
            return bestFit(heads(lengths, capacity), capacity);
        }
    },

    /// Best fit after cutting long documents into several pieces: no token is lost.
    BEST_FIT_SPLIT {
        @Override
        public List<List<Piece>> pack(int[] lengths, int capacity) {
            return bestFit(pieces(lengths, capacity), capacity);
        }
    },

    /// One stream, cut at every full row: no token is lost, and only the last row is not full.
    WRAPPED {
        @Override
        public List<List<Piece>> pack(int[] lengths, int capacity) {
            return wrapped(lengths, capacity);
        }
    };

    /// Part of a document: tokens `[start, start + length)` of document `row`.
    public record Piece(int row, int start, int length) {}

    /// Lays documents of the given lengths into rows of at most `capacity` tokens.
    public abstract List<List<Piece>> pack(int[] lengths, int capacity);

    private static List<Piece> heads(int[] lengths, int capacity) {
        List<Piece> heads = new ArrayList<>();
        for (int row = 0; row < lengths.length; row++) {
            if (lengths[row] > 0) {
                heads.add(new Piece(row, 0, Math.min(lengths[row], capacity)));
            }
        }
        return heads;
    }

    private static List<Piece> pieces(int[] lengths, int capacity) {
        List<Piece> pieces = new ArrayList<>();
        for (int row = 0; row < lengths.length; row++) {
            for (int start = 0; start < lengths[row]; start += capacity) {
                pieces.add(new Piece(row, start, Math.min(capacity, lengths[row] - start)));
            }
        }
        return pieces;
    }

    private static List<List<Piece>> bestFit(List<Piece> pieces, int capacity) {
        List<Piece> longestFirst = new ArrayList<>(pieces);
        longestFirst.sort(Comparator.comparingInt(Piece::length).reversed());
        List<List<Piece>> packs = new ArrayList<>();
        // Room left -> packs with that room, the one that has had it longest in front.
        TreeMap<Integer, Deque<List<Piece>>> byRoom = new TreeMap<>();
        for (Piece piece : longestFirst) {
            Map.Entry<Integer, Deque<List<Piece>>> tightest = byRoom.ceilingEntry(piece.length());
            List<Piece> pack;
            int room;
            if (tightest == null) {
                pack = new ArrayList<>();
                packs.add(pack);
                room = capacity;
            } else {
                pack = tightest.getValue().removeFirst();
                room = tightest.getKey();
                if (tightest.getValue().isEmpty()) {
                    byRoom.remove(room);
                }
            }
            pack.add(piece);
            if (room > piece.length()) {
                byRoom.computeIfAbsent(room - piece.length(), _ -> new ArrayDeque<>())
                        .addLast(pack);
            }
        }
        return packs;
    }

    private static List<List<Piece>> wrapped(int[] lengths, int capacity) {
        List<List<Piece>> packs = new ArrayList<>();
        int room = 0;
        for (int row = 0; row < lengths.length; row++) {
            int start = 0;
            while (start < lengths[row]) {
                if (room == 0) {
                    packs.add(new ArrayList<>());
                    room = capacity;
                }
                int length = Math.min(room, lengths[row] - start);
                packs.getLast().add(new Piece(row, start, length));
                start += length;
                room -= length;
            }
        }
        return packs;
    }
}
