package dev.tunesmith.contracts.dataset;

import java.util.OptionalInt;

/// How many rows are held out for validation.
public final class ValidationShare {

    private ValidationShare() {}

    /// The held-out rows of a dataset.
    ///
    /// @param size a share below 1, or a number of rows
    /// @return nothing if no row would be left to train, or none to validate
    public static OptionalInt rows(int rows, double size) {
        int held = (int) (size < 1 ? Math.ceil(rows * size - 1e-9) : size);
        return held > 0 && held < rows ? OptionalInt.of(held) : OptionalInt.empty();
    }
}
