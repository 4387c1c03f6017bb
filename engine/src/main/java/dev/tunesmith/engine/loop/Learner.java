package dev.tunesmith.engine.loop;

import dev.tunesmith.engine.adapter.site.Companion;
import dev.tunesmith.engine.data.TokenBatch;
import dev.tunesmith.engine.nn.Parameter;
import dev.tunesmith.engine.objective.LossSum;
import dev.tunesmith.engine.objective.Objective;
import dev.tunesmith.engine.optim.Optimizer;
import dev.tunesmith.engine.tape.Tape;
import dev.tunesmith.engine.tensor.DType;
import dev.tunesmith.engine.tensor.Region;
import dev.tunesmith.engine.tensor.StepArena;
import dev.tunesmith.engine.tensor.Tensor;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// A model in training: computes gradients, updates, measures. Belongs to one platform thread.
public final class Learner implements AutoCloseable {

    private final Objective objective;
    private final List<Parameter> trained;
    private final Optimizer optimizer;
    private final Optional<Companion> companion;
    private final long seed;
    private int steps;
    private final StepArena arena = StepArena.unlimited();

    /// @param trained the parameters that `optimizer` changes
    /// @param seed of everything random in a forward pass
    public Learner(Objective objective, List<Parameter> trained, Optimizer optimizer, long seed) {
        this(objective, trained, optimizer, Optional.empty(), seed);
    }

    /// @param trained the parameters that `optimizer` changes
    /// @param companion what the adapter does beside its layers
    /// @param seed of everything random in a forward pass
    public Learner(
            Objective objective,
            List<Parameter> trained,
            Optimizer optimizer,
            Optional<Companion> companion,
            long seed) {
        this.companion = companion;
        this.objective = objective;
        this.trained = List.copyOf(trained);
        this.optimizer = optimizer;
        this.seed = seed;
    }

    /// Begins an optimizer step, or an evaluation, over all its parts.
    Objective.Step begin(List<TokenBatch> parts, Objective.Occasion occasion) {
        if (occasion.training()) {
            optimizer.begin();
        }
        optimizer.clearGradients();
        return objective.begin(arena, parts, occasion);
    }

    /// Puts the parameters where they are to be measured and saved, or back to where they train.
    void measuring(boolean on) {
        optimizer.measuring(on);
    }

    /// Adds what the objective remembers to a checkpoint.
    void save(Path folder) throws IOException {
        objective.save(folder);
        if (companion.isPresent()) {
            companion.get().save(folder);
        }
    }

    /// Takes over what the objective remembered.
    void restore(Path folder) {
        objective.restore(folder);
        companion.ifPresent(with -> with.restore(folder));
    }

    /// Adds the gradient of a part's share of the mean loss.
    ///
    /// @param draw number of this forward pass in the run: a mask is a function of seed and draw
    LossSum accumulate(Objective.Step whole, int part, long draw) {
        try (Region step = arena.open("step")) {
            Tape tape = Tape.recording(arena, step, seed ^ (draw + 1) * 0x9E3779B97F4A7C15L);
            LossSum sum = whole.loss(tape, part);
            tape.backward();
            return sum;
        }
    }

    /// The loss of a part, without gradients and without anything random.
    LossSum measure(Objective.Step whole, int part) {
        try (Region step = arena.open("evaluation")) {
            return whole.loss(Tape.silent(arena, step), part);
        }
    }

    /// Clips the collected gradients, updates once and returns their norm before clipping. A norm
    /// that is not finite leaves everything as it was.
    double update(double rate) {
        companion.ifPresent(with -> {
            double _ = with.penalty(1);
            with.beforeStep();
        });
        Optimizer.Outcome outcome = optimizer.step(rate);
        if (companion.isPresent() && outcome.applied()) {
            companion.get().afterStep(steps, optimizer.clipped(outcome.gradientNorm()));
        }
        steps++;
        return outcome.gradientNorm();
    }

    /// Everything that training changes, by name: the most exact weights, and what the optimizer
    /// keeps.
    Map<String, Tensor> state() {
        Map<String, Tensor> state = new LinkedHashMap<>(optimizer.state());
        for (Parameter parameter : trained) {
            Tensor exact = parameter.exact();
            String kind = exact.type() == DType.F32 ? ".master" : ".value";
            state.put(parameter.name() + kind, exact);
        }
        return state;
    }

    /// Goes on after `finished` updates; the tensors that it returns, those of [#state], then wait
    /// for their values and for [#publish].
    Map<String, Tensor> resumeAt(int finished) {
        steps = finished;
        optimizer.resumeAt(finished);
        return state();
    }

    /// Takes over what was written to the tensors of [#state].
    void publish() {
        trained.forEach(Parameter::publish);
    }

    /// Largest number of bytes that a step has used.
    public long peakStepBytes() {
        return arena.peakBytes();
    }

    /// Bytes mapped for steps so far; constant once every kind of step has run.
    long mappedStepBytes() {
        return arena.mappedBytes();
    }

    @Override
    public void close() {
        optimizer.close();
        arena.close();
    }
}
