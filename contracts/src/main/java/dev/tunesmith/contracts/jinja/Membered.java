package dev.tunesmith.contracts.jinja;

import org.jspecify.annotations.Nullable;

/// A value of the interpreter that has members of its own.
public interface Membered {
    /// The member of a name, null if there is none.
    @Nullable Object member(String name);
}
