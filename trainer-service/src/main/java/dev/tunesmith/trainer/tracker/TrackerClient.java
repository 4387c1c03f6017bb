package dev.tunesmith.trainer.tracker;

import dev.tunesmith.trainer.tracker.TrackedRun.End;
import dev.tunesmith.trainer.tracker.TrackedRun.Kept;
import dev.tunesmith.trainer.tracker.TrackedRun.Line;
import java.io.IOException;
import java.util.List;

/// One tracker. Every call may fail and is then repeated.
sealed interface TrackerClient permits MlflowClient, WandbClient, SwanlabClient {
    /// Opens the run, or goes on with the one that is there.
    void open(TrackedRun run) throws IOException, InterruptedException;

    void log(List<Line> lines) throws IOException, InterruptedException;

    /// Keeps a small file of the run's result beside its figures, if the tracker has room for such.
    default void keep(Kept file) throws IOException, InterruptedException {
        // Its figures are all that the others take.
    }

    void finish(End end, long millis) throws IOException, InterruptedException;
}
