package dev.tunesmith.contracts.event;

import java.util.List;

/// Names of the files in a result that hold the figures of every step. Users get them as the
/// `result_files` of the job, in this order.
public final class StepMetrics {
    /// The columns of OpenAI's result files.
    public static final String CSV = "step_metrics.csv";

    /// Everything that was measured, one object a line.
    public static final String LINES = "step_metrics.jsonl";

    /// Both.
    public static final List<String> FILES = List.of(CSV, LINES);

    private StepMetrics() {}
}
