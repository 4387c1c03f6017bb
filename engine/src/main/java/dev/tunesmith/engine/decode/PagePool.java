package dev.tunesmith.engine.decode;

import java.util.Arrays;

/// The pages of a key-value cache that no sequence owns.
final class PagePool {
    private final int[] free;
    private int count;

    PagePool(int pages) {
        this.free = new int[pages];
        this.count = pages;
        // Low pages first: pages untouched so far cost no memory.
        Arrays.setAll(free, i -> pages - 1 - i);
    }

    int available() {
        return count;
    }

    /// Takes pages out of the pool.
    ///
    /// @throws IllegalStateException when there are too few; the caller has asked [#available]
    ///   before
    int[] take(int pages) {
        if (pages > count) {
            throw new IllegalStateException("%d pages wanted, %d are free".formatted(pages, count));
        }
        int[] taken = new int[pages];
        for (int i = 0; i < pages; i++) {
            taken[i] = free[--count];
        }
        return taken;
    }

    void giveBack(int[] pages) {
        for (int i = pages.length - 1; i >= 0; i--) {
            free[count++] = pages[i];
        }
    }
}
