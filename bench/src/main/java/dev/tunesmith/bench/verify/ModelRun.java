package dev.tunesmith.bench.verify;

import dev.tunesmith.engine.data.Pictures;
import dev.tunesmith.engine.data.TokenBatch;
import dev.tunesmith.engine.decode.Logits;
import dev.tunesmith.engine.model.Decoder;
import dev.tunesmith.engine.model.entry.CachedBatch;
import dev.tunesmith.engine.model.entry.KvCache;
import dev.tunesmith.engine.nn.Head;
import dev.tunesmith.engine.tape.CheckpointPolicy;
import dev.tunesmith.engine.tape.Tape;
import dev.tunesmith.engine.tensor.Region;
import dev.tunesmith.engine.tensor.StepArena;
import dev.tunesmith.engine.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/// One model and the memory for its steps.
final class ModelRun implements AutoCloseable {

    private static final int PAGE_SIZE = 4;

    private final Decoder decoder;
    private final StepArena arena = StepArena.unlimited();

    ModelRun(Decoder decoder) {
        this.decoder = decoder;
    }

    Decoder decoder() {
        return decoder;
    }

    /// Logits of every token, and the hidden states on the way.
    record Forward(float[] logits, List<float[]> hidden) {}

    Forward forward(TokenBatch batch) {
        try (Region step = arena.open("golden forward")) {
            Tape tape = Tape.silent(arena, step);
            List<float[]> hidden = new ArrayList<>();
            Tensor hidden_ND =
                    decoder.forward(
                            tape,
                            batch,
                            CheckpointPolicy.keepAll(),
                            (_, state) -> hidden.add(state.toFloats()));
            return new Forward(decoder.head().logits(tape, hidden_ND).toFloats(), hidden);
        }
    }

    /// Losses of the labelled tokens, without gradients.
    Head.Losses loss(TokenBatch batch) {
        try (Region step = arena.open("golden loss")) {
            return loss(Tape.silent(arena, step), batch, CheckpointPolicy.keepAll());
        }
    }

    /// Losses, and the gradients of their mean in the trainable parameters.
    Head.Losses lossAndGradients(TokenBatch batch, CheckpointPolicy policy) {
        try (Region step = arena.open("golden step")) {
            Tape tape = Tape.recording(arena, step, 0);
            Head.Losses losses = loss(tape, batch, policy);
            tape.backward();
            return losses;
        }
    }

    private Head.Losses loss(Tape tape, TokenBatch batch, CheckpointPolicy policy) {
        Tensor hidden_ND = decoder.forward(tape, batch, policy);
        var targets = new Head.Targets(batch.labels_N(), batch.weights_N(), TokenBatch.NOT_TRAINED);
        return decoder.head().loss(tape, hidden_ND, targets, 1 / batch.weightSum());
    }

    /// What greedy decoding with a cache gives.
    record Generation(List<Integer> ids, float[] logits) {}

    Generation generate(int[] prompt, Pictures pictures, int count) {
        int vocabulary = decoder.architecture().size().vocabulary();
        int pages = Math.ceilDiv(prompt.length + count, PAGE_SIZE);
        // Pages in reverse, so that their order matters.
        int[] order = IntStream.range(0, pages).map(p -> pages - 1 - p).toArray();
        List<Integer> ids = new ArrayList<>();
        float[] logits = new float[count * vocabulary];
        try (KvCache cache = decoder.cache(pages, PAGE_SIZE)) {
            int[] all = prompt;
            int[] fresh = prompt;
            int cached = 0;
            int shift = decoder.shift(prompt, pictures);
            for (int step = 0; step < count; step++) {
                if (decoder.architecture().restartsCache(cached, all.length)) {
                    fresh = all;
                    cached = 0;
                }
                boolean begins = cached == 0;
                var sequence =
                        new CachedBatch.Sequence(cached, fresh.length, order, begins ? 0 : shift);
                float[] last =
                        lastLogits(
                                cache,
                                new CachedBatch(
                                        fresh,
                                        List.of(sequence),
                                        begins ? pictures : Pictures.NONE));
                System.arraycopy(last, 0, logits, step * vocabulary, vocabulary);
                cached += fresh.length;
                fresh = new int[] {Logits.of(last).largest()};
                all = IntStream.concat(Arrays.stream(all), Arrays.stream(fresh)).toArray();
                ids.add(fresh[0]);
            }
        }
        return new Generation(ids, logits);
    }

    private float[] lastLogits(KvCache cache, CachedBatch batch) {
        try (Region step = arena.open("golden decoding")) {
            Tape tape = Tape.silent(arena, step);
            Tensor hidden_ND = decoder.forwardCached(tape, cache, batch);
            Tensor last_1D = hidden_ND.rowRange(hidden_ND.rows() - 1, hidden_ND.rows());
            return decoder.head().logits(tape, last_1D).toFloats();
        }
    }

    @Override
    public void close() {
        arena.close();
        decoder.close();
    }
}
