package dev.tunesmith.bench;

import dev.tunesmith.engine.loop.Evaluation;
import dev.tunesmith.engine.loop.LoopObserver;
import dev.tunesmith.engine.loop.LoopState;
import dev.tunesmith.engine.loop.StepReport;
import dev.tunesmith.engine.loop.TrainingRun;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Comparator;
import java.util.Optional;
import java.util.stream.Stream;

/// Prints the steps of a local run and keeps its latest checkpoint.
final class LocalCheckpoints implements LoopObserver {

    private static final String CURRENT = "checkpoint";
    private static final String NEXT = "checkpoint.next";

    private final TrainingRun run;
    private final Path work;

    LocalCheckpoints(TrainingRun run, Path work) {
        this.run = run;
        this.work = work;
    }

    /// The state of the checkpoint that an interrupted run left, brought into memory.
    Optional<LoopState> latest() {
        Path current = work.resolve(CURRENT);
        return Files.isDirectory(current)
                ? Optional.of(run.restore(current).state())
                : Optional.empty();
    }

    @Override
    public Stop stopAsked() {
        return Stop.NO;
    }

    @Override
    public void stepped(StepReport report) {
        System.out.printf(
                "step %d/%d  epoch %.2f  loss %.4f  accuracy %.3f  lr %.2e  norm %.3f"
                        + "  %.0f tok/s  left %s%n",
                report.step(),
                report.totalSteps(),
                report.epoch(),
                report.loss(),
                report.accuracy(),
                report.learningRate(),
                report.gradientNorm(),
                report.tokensPerSecond(),
                Duration.ofSeconds((long) report.secondsLeft()));
    }

    @Override
    public void evaluating(int step) {}

    @Override
    public void evaluated(Evaluation evaluation) {
        System.out.printf(
                "after step %d: validation loss %.4f, accuracy %.3f over %d tokens%n",
                evaluation.step(), evaluation.loss(), evaluation.accuracy(), evaluation.tokens());
    }

    /// A kill between the two renames leaves the next checkpoint, whole, beside nothing; the run
    /// then starts anew.
    @Override
    public void save(LoopState state) {
        try {
            Path next = work.resolve(NEXT);
            deleteTree(next);
            run.writeCheckpoint(Files.createDirectory(next), state);
            deleteTree(work.resolve(CURRENT));
            Files.move(next, work.resolve(CURRENT));
        } catch (IOException e) {
            throw new UncheckedIOException("checkpoint of step " + state.step(), e);
        }
    }

    /// Deletes a folder with all that is in it; an absent one is no error.
    static void deleteTree(Path folder) throws IOException {
        if (!Files.exists(folder)) {
            return;
        }
        try (Stream<Path> paths = Files.walk(folder)) {
            for (Path path : paths.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(path);
            }
        }
    }
}
