package dev.tunesmith.contracts.event;

import java.util.List;

/// Names of the files in a result that hold the figures of every step, as tables and as curves.
/// Users get them as the `result_files` of the job, in this order.
public final class StepMetrics {
    /// The columns of OpenAI's result files.
    public static final String CSV = "step_metrics.csv";

    /// Everything that was measured, one object a line.
    public static final String LINES = "step_metrics.jsonl";

    /// The curves of the run, drawn.
    public static final String SVG = "curves.svg";

    /// The same as a picture of dots.
    public static final String PNG = "curves.png";

    /// The same for TensorBoard, which looks for `tfevents` in names.
    public static final String EVENTS = "events.out.tfevents.0.tunesmith";

    /// All of them.
    public static final List<String> FILES = List.of(CSV, LINES, SVG, PNG, EVENTS);

    private StepMetrics() {}
}
