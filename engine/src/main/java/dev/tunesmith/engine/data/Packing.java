package dev.tunesmith.engine.data;

import java.util.AbstractList;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.RandomAccess;

/// How documents are laid into rows of limited length, over the whole set and deterministically.
///
/// The strategies and their tie rules are those of TRL (`pack_dataset`), which applies them batch
/// by batch. Empty documents vanish.
public enum Packing {
    /// Every document has its own row; one that is longer has several: no token is lost.
    NONE {
        @Override
        public List<List<Piece>> pack(int[] lengths, int capacity) {
            return Packs.ofGroups(pieces(lengths, capacity), 1);
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

    private static Pieces heads(int[] lengths, int capacity) {
        Pieces heads = new Pieces();
        for (int row = 0; row < lengths.length; row++) {
            if (lengths[row] > 0) {
                heads.add(row, 0, Math.min(lengths[row], capacity));
            }
        }
        return heads;
    }

    private static Pieces pieces(int[] lengths, int capacity) {
        Pieces pieces = new Pieces();
        for (int row = 0; row < lengths.length; row++) {
            for (int start = 0; start < lengths[row]; start += capacity) {
                pieces.add(row, start, Math.min(capacity, lengths[row] - start));
            }
        }
        return pieces;
    }

    private static Packs bestFit(Pieces pieces, int capacity) {
        int[] longestFirst = pieces.longestFirst();
        int[] packOf = new int[longestFirst.length];
        int[] room = new int[longestFirst.length];
        RoomQueues byRoom = new RoomQueues(capacity, longestFirst.length);
        int packs = 0;
        for (int i = 0; i < longestFirst.length; i++) {
            int length = pieces.lengths[longestFirst[i]];
            int pack = byRoom.take(length);
            if (pack < 0) {
                pack = packs++;
                room[pack] = capacity;
            }
            packOf[i] = pack;
            room[pack] -= length;
            if (room[pack] > 0) {
                byRoom.add(room[pack], pack);
            }
        }
        return Packs.of(pieces, longestFirst, packOf, packs);
    }

    private static Packs wrapped(int[] lengths, int capacity) {
        Pieces pieces = new Pieces();
        int[] begins = new int[1024];
        int packs = 0;
        int room = 0;
        for (int row = 0; row < lengths.length; row++) {
            int start = 0;
            while (start < lengths[row]) {
                if (room == 0) {
                    begins = packs + 1 < begins.length ? begins : Arrays.copyOf(begins, 2 * packs);
                    begins[packs++] = pieces.size;
                    room = capacity;
                }
                int length = Math.min(room, lengths[row] - start);
                pieces.add(row, start, length);
                start += length;
                room -= length;
            }
        }
        begins[packs] = pieces.size;
        return new Packs(pieces, Arrays.copyOf(begins, packs + 1));
    }

    /// Pieces side by side, 12 bytes each.
    private static final class Pieces {
        private int[] rows = new int[1024];
        private int[] starts = new int[1024];
        private int[] lengths = new int[1024];
        private int size;

        void add(int row, int start, int length) {
            if (size == rows.length) {
                rows = Arrays.copyOf(rows, 2 * size);
                starts = Arrays.copyOf(starts, 2 * size);
                lengths = Arrays.copyOf(lengths, 2 * size);
            }
            rows[size] = row;
            starts[size] = start;
            lengths[size++] = length;
        }

        Piece get(int place) {
            return new Piece(rows[place], starts[place], lengths[place]);
        }

        /// Places in the order of falling lengths; equal ones stay in their order.
        int[] longestFirst() {
            long[] ranks = new long[size];
            Arrays.setAll(ranks, i -> (long) -lengths[i] << 32 | i);
            Arrays.sort(ranks);
            return Arrays.stream(ranks).mapToInt(rank -> (int) rank).toArray();
        }
    }

    /// Packs by the room that they have left; the one that has had it longest is in front.
    private static final class RoomQueues {
        private static final int NONE = -1;

        private final BitSet rooms;
        private final int[] first;
        private final int[] last;
        private final int[] next;

        RoomQueues(int capacity, int packsMost) {
            this.rooms = new BitSet(capacity + 1);
            this.first = new int[capacity + 1];
            this.last = new int[capacity + 1];
            this.next = new int[packsMost];
        }

        /// The pack with the least room that is enough, or a negative number.
        int take(int length) {
            int room = rooms.nextSetBit(length);
            if (room < 0) {
                return NONE;
            }
            int pack = first[room];
            first[room] = next[pack];
            rooms.set(room, first[room] != NONE);
            return pack;
        }

        void add(int room, int pack) {
            next[pack] = NONE;
            if (rooms.get(room)) {
                next[last[room]] = pack;
            } else {
                first[room] = pack;
                rooms.set(room);
            }
            last[room] = pack;
        }
    }

    /// Rows made of pieces, 12 bytes a piece and 4 a row: lists are made when they are asked for.
    static final class Packs extends AbstractList<List<Piece>> implements RandomAccess {
        private final Pieces pieces;
        private final int[] begins;

        /// @param begins first piece of each pack, and the number of pieces at the end
        private Packs(Pieces pieces, int[] begins) {
            this.pieces = pieces;
            this.begins = begins;
        }

        /// Packs of `size` neighbours each.
        private static Packs ofGroups(Pieces pieces, int size) {
            int[] begins = new int[pieces.size / size + 1];
            Arrays.setAll(begins, i -> i * size);
            return new Packs(pieces, begins);
        }

        /// Packs of whole documents, some neighbours each.
        static Packs ofGroups(int[] lengths, int documents) {
            Pieces pieces = new Pieces();
            for (int row = 0; row < lengths.length; row++) {
                pieces.add(row, 0, lengths[row]);
            }
            return ofGroups(pieces, documents);
        }

        /// @param order of the pieces
        /// @param packOf for each of them in that order
        private static Packs of(Pieces pieces, int[] order, int[] packOf, int packs) {
            int[] begins = new int[packs + 1];
            for (int pack : packOf) {
                begins[pack + 1]++;
            }
            for (int pack = 0; pack < packs; pack++) {
                begins[pack + 1] += begins[pack];
            }
            int[] free = Arrays.copyOf(begins, packs);
            int[] placed = new int[order.length];
            for (int i = 0; i < order.length; i++) {
                placed[free[packOf[i]]++] = order[i];
            }
            Pieces sorted = new Pieces();
            for (int place : placed) {
                sorted.add(pieces.rows[place], pieces.starts[place], pieces.lengths[place]);
            }
            return new Packs(sorted, begins);
        }

        @Override
        public List<Piece> get(int pack) {
            List<Piece> list = new ArrayList<>(begins[pack + 1] - begins[pack]);
            for (int place = begins[pack]; place < begins[pack + 1]; place++) {
                list.add(pieces.get(place));
            }
            return list;
        }

        @Override
        public int size() {
            return begins.length - 1;
        }
    }
}
