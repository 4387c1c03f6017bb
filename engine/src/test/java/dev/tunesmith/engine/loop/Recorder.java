package dev.tunesmith.engine.loop;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.IntFunction;

/// An observer that remembers, and that a test tells when to stop and what to do at a save.
final class Recorder implements LoopObserver {

    final List<StepReport> steps = new ArrayList<>();
    final List<Evaluation> evaluations = new ArrayList<>();
    final List<Incident> incidents = new ArrayList<>();
    private final IntFunction<Stop> stop;
    private final Consumer<LoopState> saver;

    Recorder() {
        this(_ -> Stop.NO, _ -> {});
    }

    /// @param stop answers by the number of the latest step
    Recorder(IntFunction<Stop> stop, Consumer<LoopState> saver) {
        this.stop = stop;
        this.saver = saver;
    }

    List<Double> losses() {
        return steps.stream().map(StepReport::loss).toList();
    }

    @Override
    public Stop stopAsked() {
        return stop.apply(steps.isEmpty() ? 0 : steps.getLast().step());
    }

    @Override
    public void stepped(StepReport report) {
        steps.add(report);
    }

    @Override
    public void guarded(Incident incident) {
        incidents.add(incident);
    }

    @Override
    public void evaluating(int step) {}

    @Override
    public void evaluated(Evaluation evaluation) {
        evaluations.add(evaluation);
    }

    @Override
    public void save(LoopState state) {
        saver.accept(state);
    }
}
