package dev.tunesmith.engine.tape;

import dev.tunesmith.engine.ops.Elementwise;
import dev.tunesmith.engine.tensor.DType;
import dev.tunesmith.engine.tensor.Region;
import dev.tunesmith.engine.tensor.StepArena;
import dev.tunesmith.engine.tensor.Tensor;
import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;
import java.util.function.BiFunction;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/// Records operations and replays their gradients last to first.
///
/// A layer computes its output in [#region], and if anything that needs a gradient went in,
/// [records][#record] how to turn the gradient of the output into gradients of the inputs.
/// Parameter gradients go straight into the parameters' own buffers.
///
/// ```
/// try (Region step = arena.open("step")) {
///     Tape tape = Tape.recording(arena, step, seed);
///     Tensor loss = …;            // layers call tape.record
///     tape.backward();
/// }
/// ```
public final class Tape {

    private final StepArena arena;
    private final boolean recording;
    private final List<Entry> entries = new ArrayList<>();
    private final Set<Tensor> tracked = Collections.newSetFromMap(new IdentityHashMap<>());
    private final IdentityHashMap<Tensor, Tensor> gradients = new IdentityHashMap<>();
    private final IdentityHashMap<Tensor, Integer> readers = new IdentityHashMap<>();
    private final long seed;
    private final Blocks blocks;
    private Region region;
    private @Nullable InputFile inputs;
    private @Nullable WaitingInputs waiting;
    private @Nullable Tensor silentOutput;

    /// How the gradient of an output becomes gradients of the inputs.
    @FunctionalInterface
    public interface Backward {
        /// Runs once; `gradient` has the shape and type of the output and must not be kept.
        void run(Tensor gradient);
    }

    /// Who hears on the way back when the gradients of everything inside a block are complete.
    public interface Blocks {
        /// Nobody.
        Blocks UNHEARD =
                new Blocks() {
                    @Override
                    public int begun() {
                        return 0;
                    }

                    @Override
                    public void ended(int begun) {
                        // Nobody hears.
                    }
                };

        /// The way back enters a block; the answer is given to [#ended].
        int begun();

        /// It leaves the block.
        void ended(int begun);
    }

    private record Entry(Tensor output, Backward backward) {}

    /// Where a product can add its part of a gradient.
    ///
    /// @param into the gradient of the input so far
    /// @param empty whether it has no content yet, so that it must be overwritten
    public record Sink(Tensor into, boolean empty) {
        /// Factor of what is already there: 0 or 1.
        public double beta() {
            return empty ? 0 : 1;
        }
    }

    private Tape(StepArena arena, Region region, boolean recording, long seed, Blocks blocks) {
        this.arena = arena;
        this.blocks = blocks;
        this.region = region;
        this.recording = recording;
        this.seed = seed;
    }

    /// A tape for training; intermediate results live in `region`, which must be the innermost one.
    ///
    /// @param seed decides what dropout drops; another one for every micro-batch
    public static Tape recording(StepArena arena, Region region, long seed) {
        return recording(arena, region, seed, Blocks.UNHEARD);
    }

    /// As the other.
    ///
    /// @param blocks hears of blocks on the way back
    public static Tape recording(StepArena arena, Region region, long seed, Blocks blocks) {
        return new Tape(arena, region, true, seed, blocks);
    }

    /// Lets blocks that compute again leave their inputs in a file; what earlier tapes left there
    /// is forgotten.
    public void leaveInputsIn(InputFile file) {
        file.restart();
        inputs = file;
    }

    /// A tape that records nothing, for evaluation and decoding.
    public static Tape silent(StepArena arena, Region region) {
        return new Tape(arena, region, false, 0, Blocks.UNHEARD);
    }

    /// Where results are computed at the moment.
    public Region region() {
        return region;
    }

    /// The stack that all regions of this tape come from.
    public StepArena arena() {
        return arena;
    }

    /// A tensor with unspecified content in the current region.
    public Tensor tensor(DType type, long... shape) {
        return region.tensor(type, shape);
    }

    /// Whether gradients are wanted at all.
    public boolean isRecording() {
        return recording;
    }

    /// What decides dropout; only used while recording.
    public long seed() {
        return seed;
    }

    /// Whether a gradient with respect to `input` is wanted.
    public boolean tracks(Tensor input) {
        return tracked.contains(input);
    }

    /// Asks for the gradient of a tensor that no recorded operation made, such as an input.
    public void track(Tensor input) {
        if (recording) {
            tracked.add(input);
        }
    }

    /// Records how the gradient of `output` flows on, and tracks `output`. Does nothing on a silent
    /// tape.
    public void record(Tensor output, Backward backward) {
        if (recording) {
            entries.add(new Entry(output, backward));
            tracked.add(output);
        }
    }

    /// Runs a part of the model whose temporaries die together.
    ///
    /// With `recompute`, nothing inside is kept but `x`; the backward pass runs `body` again. The
    /// body must then be a pure function of `x` and of what does not change within the step, and
    /// its result must have the shape of `x`.
    public Tensor block(Tensor x, boolean recompute, BiFunction<Tape, Tensor, Tensor> body) {
        if (!recording) {
            return silentBlock(x, body);
        }
        if (!recompute) {
            Tape inner = inner(region, x);
            Tensor y = body.apply(inner, x);
            if (inner.tracks(y)) {
                record(y, gradient -> backwardOfBlock(inner, x, y, gradient));
            }
            return y;
        }
        return inputs == null ? keptBlock(x, body) : waitingBlock(inputs, x, body);
    }

    /// What the block needs inside is free again for the next one, and so is the place of an input
    /// that was the last block's output.
    private Tensor silentBlock(Tensor x, BiFunction<Tape, Tensor, Tensor> body) {
        Tensor out = x == silentOutput ? x : region.tensor(x.type(), x.shape());
        try (Region scratch = arena.open("block")) {
            out.copyFrom(body.apply(inner(scratch, x), x));
        }
        silentOutput = out;
        return out;
    }

    private Tensor keptBlock(Tensor x, BiFunction<Tape, Tensor, Tensor> body) {
        Tensor out = region.tensor(x.type(), x.shape());
        if (passed(x, out, body)) {
            record(out, gradient -> recomputeBlock(x, body, gradient, _ -> x));
        }
        return out;
    }

    private Tensor waitingBlock(InputFile file, Tensor x, BiFunction<Tape, Tensor, Tensor> body) {
        WaitingInputs waiting = this.waiting;
        if (waiting == null || !waiting.follows(x)) {
            waiting = new WaitingInputs(file, x, region);
            this.waiting = waiting;
        }
        WaitingInputs chain = waiting;
        int number = chain.keep(x);
        Tensor out = chain.output(number);
        if (passed(x, out, body)) {
            record(
                    out,
                    gradient ->
                            recomputeBlock(
                                    x, body, gradient, scratch -> chain.bring(number, scratch)));
        }
        return out;
    }

    /// Fills `out`, keeps nothing inside, and tells whether a gradient can flow back.
    private boolean passed(Tensor x, Tensor out, BiFunction<Tape, Tensor, Tensor> body) {
        try (Region scratch = arena.open("block")) {
            Tape inner = inner(scratch, x);
            Tensor y = body.apply(inner, x);
            out.copyFrom(y);
            return inner.tracks(y);
        }
    }

    private Tape inner(Region innerRegion, Tensor x) {
        Tape inner = new Tape(arena, innerRegion, recording, seed, blocks);
        if (tracks(x)) {
            inner.track(x);
        }
        return inner;
    }

    /// @param content brings back what was in `x`, which may be something else by now
    private void recomputeBlock(
            Tensor x,
            BiFunction<Tape, Tensor, Tensor> body,
            Tensor gradient,
            Function<Region, Tensor> content) {
        Tensor flowing = writable(gradient);
        boolean arrived;
        try (Region scratch = arena.open("block again")) {
            Tensor again = content.apply(scratch);
            Tape inner = inner(scratch, again);
            if (tracks(x)) {
                inner.track(again);
            }
            Tensor y = body.apply(inner, again);
            int begun = blocks.begun();
            arrived = inner.backwardInto(flowing, again, y);
            blocks.ended(begun);
        }
        if (arrived) {
            addGradient(x, flowing);
        }
    }

    private void backwardOfBlock(Tape inner, Tensor x, Tensor y, Tensor gradient) {
        Tensor flowing = writable(gradient);
        boolean arrived;
        try (Region scratch = arena.open("block backward")) {
            inner.region = scratch;
            int begun = blocks.begun();
            arrived = inner.backwardInto(flowing, x, y);
            blocks.ended(begun);
        }
        if (arrived) {
            addGradient(x, flowing);
        }
    }

    /// The gradient itself, or a copy if somebody else still has to read it.
    private Tensor writable(Tensor gradient) {
        return readers.containsKey(gradient) ? region.copy(gradient) : gradient;
    }

    /// Turns the gradient of `y` into the gradient of `x` in the same memory.
    private boolean backwardInto(Tensor flowing, Tensor x, Tensor y) {
        backward(y, flowing);
        Tensor result = gradients.remove(x);
        if (result == null) {
            return false;
        }
        if (result != flowing) {
            flowing.copyFrom(result);
        }
        return true;
    }

    /// Gives `fresh`, which the caller no longer uses, as a part of the gradient of `input`.
    /// Without effect when nobody wants it.
    public void addGradient(Tensor input, Tensor fresh) {
        if (!tracks(input)) {
            return;
        }
        Tensor sum = gradients.get(input);
        if (sum == null) {
            gradients.put(input, fresh);
            return;
        }
        Tensor target = sum;
        if (readers.containsKey(sum)) {
            target = region.tensor(sum.type(), sum.shape());
            gradients.put(input, target);
            release(sum);
        }
        Elementwise.add(target, sum, fresh);
    }

    /// Where to add a part of the gradient of `input`, which must be tracked. Ask once for every
    /// part, and write to it at once.
    public Sink sink(Tensor input) {
        Tensor sum = gradients.get(input);
        if (sum == null) {
            Tensor fresh = region.tensor(input.type(), input.shape());
            gradients.put(input, fresh);
            return new Sink(fresh, true);
        }
        if (readers.containsKey(sum)) {
            Tensor own = region.copy(sum);
            gradients.put(input, own);
            release(sum);
            return new Sink(own, false);
        }
        return new Sink(sum, false);
    }

    /// Whether the gradient of the running operation may be overwritten.
    public boolean mayOverwrite(Tensor gradient) {
        return !readers.containsKey(gradient);
    }

    /// Passes the gradient of the running operation on to several inputs without copying it: what
    /// an addition does. Whoever has to add to it gets a copy while others still have to read it.
    public void shareGradient(Tensor gradient, Tensor... inputs) {
        for (Tensor input : inputs) {
            if (!tracks(input)) {
                continue;
            }
            if (gradients.get(input) == null) {
                gradients.put(input, gradient);
                // The running operation is a holder too, until it ends.
                readers.merge(gradient, 2, (count, _) -> count + 1);
            } else {
                addGradient(input, gradient);
            }
        }
    }

    private void release(Tensor gradient) {
        readers.computeIfPresent(gradient, (_, count) -> count <= 2 ? null : count - 1);
    }

    /// The gradient collected for a tracked input, or null if none arrived.
    public @Nullable Tensor gradientOf(Tensor input) {
        return gradients.get(input);
    }

    /// Starts with a given gradient of `output` and replays everything.
    public void backward(Tensor output, Tensor gradient) {
        gradients.put(output, gradient);
        backward();
    }

    /// Replays everything recorded, last to first, and forgets it. Outputs that received no
    /// gradient are skipped.
    public void backward() {
        for (int i = entries.size() - 1; i >= 0; i--) {
            Entry entry = entries.get(i);
            Tensor gradient = gradients.remove(entry.output());
            if (gradient != null) {
                entry.backward().run(gradient);
                release(gradient);
            }
        }
        entries.clear();
        InputFile file = inputs;
        if (file != null) {
            file.settle();
        }
    }
}
