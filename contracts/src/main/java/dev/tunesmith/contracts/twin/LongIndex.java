package dev.tunesmith.contracts.twin;

import java.util.Arrays;

/// Where each key was seen first, without an object a key.
final class LongIndex {

    /// Stands for a free place.
    private static final int NONE = -1;

    private long[] keys = new long[1 << 10];
    private int[] places = filled(1 << 10);
    private int size;

    private static int[] filled(int length) {
        int[] places = new int[length];
        Arrays.fill(places, NONE);
        return places;
    }

    /// The place that a key was given first; gives it this one if it is new.
    int first(long key, int place) {
        if (2 * size >= keys.length) {
            grow();
        }
        int slot = slot(key);
        if (places[slot] == NONE) {
            keys[slot] = key;
            places[slot] = place;
            size++;
        }
        return places[slot];
    }

    /// The place that a key was given first, or -1.
    int find(long key) {
        return places[slot(key)];
    }

    int size() {
        return size;
    }

    private int slot(long key) {
        int mask = keys.length - 1;
        int slot = (int) (RowPrint.mixed(key) & mask);
        while (places[slot] != NONE && keys[slot] != key) {
            slot = (slot + 1) & mask;
        }
        return slot;
    }

    private void grow() {
        long[] oldKeys = keys;
        int[] oldPlaces = places;
        keys = new long[2 * oldKeys.length];
        places = filled(keys.length);
        for (int i = 0; i < oldKeys.length; i++) {
            if (oldPlaces[i] != NONE) {
                int slot = slot(oldKeys[i]);
                keys[slot] = oldKeys[i];
                places[slot] = oldPlaces[i];
            }
        }
    }
}
