package dev.tunesmith.bench.golden;

/// Computes what a case describes and compares it with what lies beside it.
public interface CaseRunner {

    /// Runs one case. Exceptions mean that it failed; an [UnsupportedCaseException] gives the
    /// reason why nothing was computed.
    void run(GoldenCase golden, Comparison comparison);
}
