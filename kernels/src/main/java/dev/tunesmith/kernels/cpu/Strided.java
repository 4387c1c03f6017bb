package dev.tunesmith.kernels.cpu;

/// Rows of a tensor that may be a slice of wider rows.
///
/// @param address the first element of row 0
/// @param stride elements from one row to the next
public record Strided(long address, long stride) {}
