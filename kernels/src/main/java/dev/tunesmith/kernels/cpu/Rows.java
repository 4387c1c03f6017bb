package dev.tunesmith.kernels.cpu;

/// The extent of work on a matrix.
public record Rows(long rows, long columns, int threads) {}
