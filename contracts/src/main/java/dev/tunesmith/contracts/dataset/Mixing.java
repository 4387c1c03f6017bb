package dev.tunesmith.contracts.dataset;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.IntSupplier;

/// How the rows of several datasets follow one another.
public enum Mixing {
    /// One dataset after the other.
    CONCAT,
    /// In turn, until the first dataset is used up.
    INTERLEAVE_UNDER,
    /// In turn, shorter datasets again from their start, until all were used up.
    INTERLEAVE_OVER,
    /// In turn, datasets that are used up are passed over: every row once.
    INTERLEAVE_ONCE;

    /// The dataset of a place.
    public static int dataset(long place) {
        return (int) (place >>> 32);
    }

    /// The row of a place, within its dataset.
    public static int row(long place) {
        return (int) place;
    }

    /// The strategy of a name.
    public static Optional<Mixing> named(String name) {
        return List.of(values()).stream().filter(one -> one.wire().equals(name)).findAny();
    }

    @JsonCreator
    public static Mixing of(String wire) {
        return valueOf(wire.toUpperCase(Locale.ROOT));
    }

    @JsonValue
    public String wire() {
        return name().toLowerCase(Locale.ROOT);
    }

    /// The order of rows, taking the datasets in turn: the place of each, see [#dataset] and
    /// [#row].
    ///
    /// @param sizes rows of each dataset
    public long[] order(int[] sizes) {
        Order order = new Order();
        if (this == CONCAT) {
            for (int d = 0; d < sizes.length; d++) {
                for (int row = 0; row < sizes[d]; row++) {
                    order.add(d, row);
                }
            }
            return order.places();
        }
        int shortest = Integer.MAX_VALUE;
        int longest = 0;
        for (int size : sizes) {
            shortest = Math.min(shortest, size);
            longest = Math.max(longest, size);
        }
        int rounds = this == INTERLEAVE_UNDER ? shortest : longest;
        for (int round = 0; round < rounds && shortest > 0; round++) {
            for (int d = 0; d < sizes.length; d++) {
                if (this == INTERLEAVE_OVER || round < sizes[d]) {
                    order.add(d, round % sizes[d]);
                }
            }
        }
        return order.places();
    }

    /// The order of rows where a lot decides which dataset comes next.
    ///
    /// @param picks numbers of datasets, without an end
    public long[] order(int[] sizes, IntSupplier picks) {
        Order order = new Order();
        int[] next = new int[sizes.length];
        boolean[] usedUp = new boolean[sizes.length];
        int left = 0;
        for (int d = 0; d < sizes.length; d++) {
            usedUp[d] = sizes[d] == 0;
            left += usedUp[d] ? 0 : 1;
        }
        boolean stop = left == 0;
        while (!stop) {
            int d = picks.getAsInt();
            if (usedUp[d] && (this == INTERLEAVE_ONCE || sizes[d] == 0)) {
                continue;
            }
            order.add(d, next[d]++);
            if (next[d] == sizes[d]) {
                left -= usedUp[d] ? 0 : 1;
                usedUp[d] = true;
                next[d] = 0;
                stop = left == 0 || this == INTERLEAVE_UNDER;
            }
        }
        return order.places();
    }

    /// Places in the order in which they are added, 8 bytes each.
    private static final class Order {
        private long[] places = new long[1024];
        private int size;

        void add(int dataset, int row) {
            if (size == places.length) {
                places = Arrays.copyOf(places, 2 * size);
            }
            places[size++] = (long) dataset << 32 | row;
        }

        long[] places() {
            return Arrays.copyOf(places, size);
        }
    }
}
