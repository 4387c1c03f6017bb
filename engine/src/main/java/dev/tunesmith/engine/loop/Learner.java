package dev.tunesmith.engine.loop;

import dev.tunesmith.contracts.care.Care;
import dev.tunesmith.engine.adapter.site.Companion;
import dev.tunesmith.engine.data.TokenBatch;
import dev.tunesmith.engine.loop.care.Keeper;
import dev.tunesmith.engine.loop.care.Keeper.Place;
import dev.tunesmith.engine.nn.Parameter;
import dev.tunesmith.engine.objective.LossSum;
import dev.tunesmith.engine.objective.Objective;
import dev.tunesmith.engine.optim.LayerwiseOptimizer;
import dev.tunesmith.engine.optim.Optimizer;
import dev.tunesmith.engine.tape.InputFile;
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
import org.jspecify.annotations.Nullable;

/// A model in training: computes gradients, updates, measures. Belongs to one platform thread.
public final class Learner implements AutoCloseable {

    private final Objective objective;
    private final List<Parameter> trained;
    private final Optimizer optimizer;
    private final Optional<Companion> companion;
    private final Keeper keeper;
    private final long seed;
    private int steps;
    private @Nullable InputFile inputs;
    private final StepArena arena;
    private @Nullable Pending pending;

    /// A recorded part whose way back is still to be gone.
    private record Pending(Region region, Tape tape, Objective.Step whole, int part, long draw) {}

    /// @param trained the parameters that `optimizer` changes
    /// @param seed of everything random in a forward pass
    public Learner(Objective objective, List<Parameter> trained, Optimizer optimizer, long seed) {
        this(
                objective,
                trained,
                optimizer,
                Optional.empty(),
                new Keeper(Care.USUAL, trained),
                seed,
                StepArena.unlimited());
    }

    /// @param trained the parameters that `optimizer` changes
    /// @param companion what the adapter does beside its layers
    /// @param keeper of other states of those parameters
    /// @param seed of everything random in a forward pass
    /// @param arena the memory of its steps, closed with it
    public Learner(
            Objective objective,
            List<Parameter> trained,
            Optimizer optimizer,
            Optional<Companion> companion,
            Keeper keeper,
            long seed,
            StepArena arena) {
        this.arena = arena;
        this.companion = companion;
        this.objective = objective;
        this.trained = List.copyOf(trained);
        this.optimizer = optimizer;
        this.keeper = keeper;
        this.seed = seed;
    }

    /// Blocks that compute again leave their inputs in this file, which is closed with the learner.
    void useInputFile(InputFile file) {
        inputs = file;
    }

    /// Begins an optimizer step, or an evaluation, over all its parts.
    Objective.Step begin(List<TokenBatch> parts, Objective.Occasion occasion) {
        if (occasion.training()) {
            optimizer.begin();
        }
        optimizer.clearGradients();
        return objective.begin(arena, parts, occasion);
    }

    /// Puts the parameters where they are wanted; [Place#TRAINING] puts them back.
    ///
    /// @param found whether a best state is known
    void at(Place place, boolean found) {
        keeper.put(Place.TRAINING, false);
        optimizer.measuring(place != Place.TRAINING);
        keeper.put(place, found);
    }

    /// Keeps the parameters as the best so far, if anybody wants that.
    void keepBest() {
        if (keeper.keepsBest()) {
            at(Place.EXPORT, false);
            keeper.keepBest();
            at(Place.TRAINING, false);
        }
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

    /// Adds the gradient of a part's share of the mean loss. Where the optimizer changes weights on
    /// the way back, that way is left to [#update].
    ///
    /// @param draw number of this forward pass in the run: a mask is a function of seed and draw
    LossSum accumulate(Objective.Step whole, int part, long draw) {
        if (optimizer instanceof LayerwiseOptimizer layerwise) {
            return recorded(layerwise, whole, part, draw);
        }
        try (Region step = arena.open("step")) {
            Tape tape = recording(step, draw, Tape.Blocks.UNHEARD);
            LossSum sum = whole.loss(tape, part);
            tape.backward();
            return sum;
        }
    }

    private Tape recording(Region region, long draw, Tape.Blocks blocks) {
        long masks = seed ^ (draw + 1) * 0x9E3779B97F4A7C15L;
        Tape tape = Tape.recording(arena, region, masks, blocks);
        InputFile file = inputs;
        if (file != null) {
            tape.leaveInputsIn(file);
        }
        return tape;
    }

    private LossSum recorded(
            LayerwiseOptimizer layerwise, Objective.Step whole, int part, long draw) {
        if (whole.parts() != 1) {
            throw new IllegalStateException(
                    "%d parts, but weights change on the way back of the first"
                            .formatted(whole.parts()));
        }
        Region region = arena.open("step");
        Tape tape = recording(region, draw, layerwise);
        pending = new Pending(region, tape, whole, part, draw);
        return whole.loss(tape, part);
    }

    private void goBack() {
        Pending now = pending;
        if (now != null) {
            now.tape.backward();
            drop();
        }
    }

    private void drop() {
        Pending now = pending;
        pending = null;
        if (now != null) {
            now.region.close();
        }
    }

    /// The loss of a part, without gradients and without anything random.
    LossSum measure(Objective.Step whole, int part) {
        try (Region step = arena.open("evaluation")) {
            return whole.loss(Tape.silent(arena, step), part);
        }
    }

    /// Forgets the collected gradients and returns their norm, which is not known.
    double discard() {
        drop();
        optimizer.clearGradients();
        return Double.NaN;
    }

    /// Clips the collected gradients, updates once and returns their norm before clipping. A norm
    /// that is not finite leaves everything as it was.
    double update(double rate) {
        companion.ifPresent(with -> {
            double _ = with.penalty(1);
            with.beforeStep();
        });
        Optimizer.Outcome outcome = moved(rate);
        if (outcome.applied()) {
            companion.ifPresent(
                    with -> with.afterStep(steps, optimizer.clipped(outcome.gradientNorm())));
            steps++;
            keeper.stepped(steps);
        }
        return outcome.gradientNorm();
    }

    private Optimizer.Outcome moved(double rate) {
        Pending recorded = pending;
        if (recorded != null && optimizer instanceof LayerwiseOptimizer layerwise) {
            return layerwise.step(
                    rate,
                    this::goBack,
                    () -> {
                        LossSum _ =
                                recorded(layerwise, recorded.whole, recorded.part, recorded.draw);
                        goBack();
                    });
        }
        return optimizer.step(rate);
    }

    /// Everything that training changes, by name: the most exact weights, and what the optimizer
    /// keeps.
    Map<String, Tensor> state() {
        Map<String, Tensor> state = new LinkedHashMap<>(optimizer.state());
        state.putAll(keeper.state());
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

    /// Bytes of gradients that were ever there at the same time.
    long gradientBytes() {
        return optimizer instanceof LayerwiseOptimizer layerwise
                ? layerwise.gradientBytes()
                : trained.stream().mapToLong(parameter -> parameter.gradient().bytes()).sum();
    }

    /// Bytes mapped for steps so far; constant once every kind of step has run.
    long mappedStepBytes() {
        return arena.mappedBytes();
    }

    @Override
    public void close() {
        InputFile file = inputs;
        if (file != null) {
            file.close();
        }
        drop();
        keeper.close();
        optimizer.close();
        arena.close();
    }
}
