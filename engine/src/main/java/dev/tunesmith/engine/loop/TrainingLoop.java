package dev.tunesmith.engine.loop;

import dev.tunesmith.contracts.care.Care;
import dev.tunesmith.engine.data.PackedRows;
import dev.tunesmith.engine.data.TokenBatch;
import dev.tunesmith.engine.loop.LoopObserver.Stop;
import dev.tunesmith.engine.loop.care.Best;
import dev.tunesmith.engine.loop.care.Keeper.Place;
import dev.tunesmith.engine.loop.care.Watch;
import dev.tunesmith.engine.loop.care.Watch.Verdict;
import dev.tunesmith.engine.objective.LossSum;
import dev.tunesmith.engine.objective.Objective;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.LongSupplier;

/// The one loop that all training methods share: evaluate? save? stop? step, report.
///
/// A step reads its rows, runs them through the model in parts, and updates once. The parts are
/// weighted by the labels of the whole step, so the result does not depend on how it was cut. A
/// stop takes effect between two parts: a half-computed step leaves no trace, because parameters,
/// cursor and counters change only when the step is complete.
public final class TrainingLoop {

    private static final double NANOS = 1e9;

    private final Learner learner;
    private final LoopPlan plan;
    private final PackedRows training;
    private final Optional<PackedRows> validation;
    private final LoopObserver observer;
    private final LongSupplier nanoTime;
    private final Pace pace;
    private final MetricsTable.Builder metrics;
    private LoopState state;
    private int savedStep;
    private long savedNanos;
    private double savingSeconds;

    /// What one step has found out before it updates.
    private record Forward(LossSum sum, long tokens, int parts) {}

    /// A loop that goes on from `start`, which is the state of the learner's tensors too.
    public TrainingLoop(
            Learner learner,
            LoopPlan plan,
            PackedRows training,
            Optional<PackedRows> validation,
            LoopObserver observer,
            LoopState start,
            LongSupplier nanoTime) {
        this.learner = learner;
        this.plan = plan;
        this.training = training;
        this.validation = validation;
        this.observer = observer;
        this.nanoTime = nanoTime;
        this.pace = new Pace(nanoTime);
        this.metrics = new MetricsTable.Builder(start.metrics());
        this.state = start;
        this.savedStep = start.step();
        this.savedNanos = nanoTime.getAsLong();
    }

    /// Runs until all steps are done, the observer stops it or the numbers fail.
    public Outcome run() {
        while (true) {
            if (evaluationDue()) {
                evaluate();
            }
            if (checkpointDue()) {
                save();
            }
            if (observer.stopAsked() != Stop.NO) {
                return stopped();
            }
            if (state.step() >= plan.totalSteps() || state.best().exhausted(plan.care().choice())) {
                return new Outcome.Finished(snapshot());
            }
            pace.start();
            Optional<Forward> forward = forwardAndBackward();
            if (forward.isPresent()) {
                Optional<Outcome> end = settle(forward.get());
                if (end.isPresent()) {
                    return end.get();
                }
            }
        }
    }

    /// Changes the weights by what was found out, unless the guard objects.
    private Optional<Outcome> settle(Forward forward) {
        Care.Guard guard = plan.care().guard();
        Watch watch = state.watch();
        double loss = forward.sum().mean();
        double rate = plan.rate().at(state.step(), state.plateau());
        rate *= state.step() < watch.lowUntil() ? guard.factor() : 1;
        Verdict verdict = watch.judge(loss, guard);
        boolean lowers = guard.policy() == Care.Policy.LOWER;
        boolean takes = verdict == Verdict.FINE || (verdict == Verdict.FAR_OFF && lowers);
        if (verdict == Verdict.FAR_OFF && lowers) {
            rate *= state.step() < watch.lowUntil() ? 1 : guard.factor();
        }
        double norm = takes ? learner.update(rate) : learner.discard();
        if (takes && !Double.isFinite(norm)) {
            verdict = Verdict.NO_NUMBER;
            takes = false;
        }
        if (verdict != Verdict.FINE) {
            Incident incident = incident(verdict, loss, norm);
            boolean ends = guard.policy() == Care.Policy.STOP;
            if (ends || watch.skipped() + 1 > Watch.SKIPPED_MAX) {
                return Optional.of(new Outcome.Diverged(incident));
            }
            watch = lowers ? watch.lowUntil(state.step() + 1 + guard.steps()) : watch;
            observer.guarded(incident);
        }
        pace.stop(forward.tokens());
        advance(forward, takes ? watch.taken(loss, guard) : watch.passedOver());
        if (takes) {
            metrics.trained(state.step(), loss, forward.sum().accuracy());
            observer.stepped(report(forward.sum(), rate, norm));
        }
        return Optional.empty();
    }

    private Incident incident(Verdict verdict, double loss, double norm) {
        double limit = state.watch().limit(plan.care().guard());
        int[] rows = plan.order().rowsAt(state.cursor());
        List<Long> lines =
                Arrays.stream(plan.rowsAlone() ? suspects(rows, limit) : rows)
                        .mapToObj(training::lines)
                        .flatMap(List::stream)
                        .distinct()
                        .sorted()
                        .toList();
        return new Incident(state.step(), verdict, loss, norm, limit, lines);
    }

    /// The rows whose own loss is no number or far off; all of them if it is none of these.
    private int[] suspects(int[] rows, double limit) {
        int[] found =
                Arrays.stream(rows)
                        .filter(row -> {
                            double own = loss(row);
                            return !Double.isFinite(own) || own > limit;
                        })
                        .toArray();
        return found.length == 0 ? rows : found;
    }

    private double loss(int row) {
        var occasion = new Objective.Occasion(state.step(), 0, false);
        Objective.Step step = learner.begin(List.of(training.batch(row)), occasion);
        LossSum sum = LossSum.ZERO;
        for (int part = 0; part < step.parts(); part++) {
            sum = sum.plus(learner.measure(step, part));
        }
        return sum.mean();
    }

    /// Empty if a stop was asked for on the way.
    private Optional<Forward> forwardAndBackward() {
        List<TokenBatch> parts = parts(training, plan.order().rowsAt(state.cursor()));
        var occasion = new Objective.Occasion(state.step(), state.cursor().use(), true);
        Objective.Step step = learner.begin(parts, occasion);
        LossSum sum = LossSum.ZERO;
        long tokens = 0;
        for (int part = 0; part < step.parts(); part++) {
            if (observer.stopAsked() != Stop.NO) {
                return Optional.empty();
            }
            sum = sum.plus(learner.accumulate(step, part, state.draws() + part));
            tokens += step.tokens(part);
        }
        return Optional.of(new Forward(sum, tokens, step.parts()));
    }

    private List<TokenBatch> parts(PackedRows rows, int[] numbers) {
        List<TokenBatch> parts = new ArrayList<>();
        for (int from = 0; from < numbers.length; from += plan.microRows()) {
            int to = Math.min(numbers.length, from + plan.microRows());
            parts.add(rows.batch(Arrays.copyOfRange(numbers, from, to)));
        }
        return parts;
    }

    private void advance(Forward forward, Watch watch) {
        state = state.afterStep(plan.order(), forward.parts(), forward.sum().tokens(), watch);
    }

    private StepReport report(LossSum sum, double rate, double norm) {
        int left = plan.totalSteps() - state.step();
        return new StepReport(
                state.step(),
                plan.totalSteps(),
                (double) state.step() / plan.order().stepsPerEpoch(),
                sum.mean(),
                sum.accuracy(),
                rate,
                norm,
                pace.tokensPerSecond(),
                state.trainedTokens(),
                left * pace.secondsPerStep(),
                sum.metrics().values());
    }

    private boolean evaluationDue() {
        int step = state.step();
        boolean onCadence = plan.evaluateEvery() > 0 && step % plan.evaluateEvery() == 0;
        return validation.isPresent()
                && state.evaluatedStep() != step
                && (step == 0 || step == plan.totalSteps() || onCadence);
    }

    /// Looks at all validation rows; a stop on the way leaves the evaluation due.
    private void evaluate() {
        PackedRows rows = validation.orElseThrow();
        observer.evaluating(state.step());
        LossSum sum = LossSum.ZERO;
        int[] numbers = new int[rows.size()];
        Arrays.setAll(numbers, i -> i);
        List<TokenBatch> parts = parts(rows, numbers);
        var occasion = new Objective.Occasion(state.step(), 0, false);
        learner.at(Place.EVALUATION, false);
        try {
            Objective.Step whole = learner.begin(parts, occasion);
            for (int part = 0; part < whole.parts(); part++) {
                if (observer.stopAsked() != Stop.NO) {
                    return;
                }
                sum = sum.plus(learner.measure(whole, part));
            }
        } finally {
            learner.at(Place.TRAINING, false);
        }
        Evaluation evaluation =
                new Evaluation(
                        state.step(),
                        sum.mean(),
                        sum.accuracy(),
                        sum.tokens(),
                        sum.metrics().values());
        metrics.evaluated(evaluation);
        Best best = judged(evaluation);
        state = state.afterEvaluation(plan.rate().after(state.plateau(), sum.mean()), best);
        observer.evaluated(evaluation);
    }

    /// What the evaluation says about the best state; the model that nothing has changed yet is no
    /// candidate.
    private Best judged(Evaluation evaluation) {
        Care.Choice choice = plan.care().choice();
        double value = evaluation.value(choice.metric());
        if (evaluation.step() == 0) {
            return state.best();
        }
        Best best = state.best().after(value, evaluation.step(), choice);
        if (best.step() == evaluation.step()) {
            learner.keepBest();
        }
        return best;
    }

    private boolean checkpointDue() {
        if (state.step() >= plan.totalSteps()) {
            return false;
        }
        double since = (nanoTime.getAsLong() - savedNanos) / NANOS;
        return plan.saving()
                .due(
                        state.step(),
                        savedStep,
                        since,
                        () -> savingSeconds + observer.savingSeconds());
    }

    private void save() {
        long start = nanoTime.getAsLong();
        observer.save(snapshot());
        savedStep = state.step();
        savedNanos = nanoTime.getAsLong();
        savingSeconds = (savedNanos - start) / NANOS;
    }

    /// The state with its table, which is copied only when somebody keeps it.
    private LoopState snapshot() {
        return state.with(metrics.build());
    }

    private Outcome stopped() {
        if (observer.stopAsked() == Stop.AT_ONCE) {
            return new Outcome.Stopped(snapshot(), false);
        }
        if (state.step() > savedStep) {
            save();
        }
        return new Outcome.Stopped(snapshot(), state.step() > 0);
    }
}
