package dev.tunesmith.trainer.tracker;

import dev.tunesmith.contracts.job.JobSpec.Integration;
import java.util.Map;

/// What a tracker is told of a run when it opens it.
///
/// @param id of the job; the same after a resume, so that a tracker goes on with the same run
/// @param settings the resolved spec
record TrackedRun(String id, Integration integration, Map<String, Object> settings) {
    /// The name that people see.
    String name() {
        String given = integration.name();
        return given == null ? id : given;
    }

    /// Figures of one step.
    record Line(long step, long millis, Map<String, Double> values) {}

    /// A file of the result: a picture, a table, a card.
    // Arrays: never compared.
    @SuppressWarnings("ArrayRecordComponent")
    record Kept(String name, byte[] content) {}

    /// How a run ends for a tracker.
    enum End {
        FINISHED,
        STOPPED,
        FAILED
    }
}
