package dev.tunesmith.engine.io;

import java.util.List;

/// One line of a safetensors header: where a tensor lies and what it is.
///
/// @param begin first byte, counted from the start of the file
/// @param end byte after the last one, counted from the start of the file
public record StoredTensor(String name, StoredType type, List<Long> shape, long begin, long end) {

    public StoredTensor {
        shape = List.copyOf(shape);
    }

    /// Number of elements; 1 for a scalar.
    public long elements() {
        return (end - begin) / type.bytes();
    }

    /// Number of bytes.
    public long bytes() {
        return end - begin;
    }
}
