package dev.tunesmith.engine.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.tunesmith.engine.data.TokenBatch;
import dev.tunesmith.engine.io.JsonTree;
import dev.tunesmith.engine.io.ModelDirectory;
import dev.tunesmith.engine.model.entry.CachedBatch;
import dev.tunesmith.engine.model.entry.KvCache;
import dev.tunesmith.engine.nn.Head;
import dev.tunesmith.engine.nn.Parameter;
import dev.tunesmith.engine.tape.CheckpointPolicy;
import dev.tunesmith.engine.tape.Tape;
import dev.tunesmith.engine.tensor.DType;
import dev.tunesmith.engine.tensor.Region;
import dev.tunesmith.engine.tensor.StepArena;
import dev.tunesmith.engine.tensor.Tensor;
import dev.tunesmith.kernels.torch.TorchAbi;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DecoderTest {

    private static final Path LLAMA =
            Path.of("src/test/resources/golden/families/llama_bias_tied/model");
    private static final int[] IDS = {3, 17, 5, 90, 41, 8, 66, 2, 12, 101, 7};

    /// Up to eight rows take the kernel that reads weights once, whose sums have another order.
    @Test
    void packedDocumentsOfMoreThanEightTokensGiveWhatTheyGiveAloneBitForBit() {
        int[] ids = Arrays.copyOf(IDS, 2 * IDS.length);
        System.arraycopy(IDS, 0, ids, IDS.length, IDS.length);
        try (Decoder decoder = load(DType.F32);
                StepArena arena = StepArena.unlimited()) {
            float[] together = hidden(decoder, arena, batch(ids, 0, 9, 22));
            float[] first = hidden(decoder, arena, batch(Arrays.copyOfRange(ids, 0, 9), 0, 9));
            float[] second = hidden(decoder, arena, batch(Arrays.copyOfRange(ids, 9, 22), 0, 13));

            assertThat(Arrays.copyOfRange(together, 0, first.length)).isEqualTo(first);
            assertThat(Arrays.copyOfRange(together, first.length, together.length))
                    .isEqualTo(second);
        }
    }

    @Test
    void severalCachedSequencesInOneBatchGiveWhatWholeDocumentsGive() {
        try (Decoder decoder = load(DType.F32);
                StepArena arena = StepArena.unlimited();
                KvCache cache = decoder.cache(7, 2)) {
            int[] one = Arrays.copyOfRange(IDS, 0, 4);
            int[] two = Arrays.copyOfRange(IDS, 4, 11);
            int[] pagesOfOne = {5, 0};
            int[] pagesOfTwo = {3, 6, 1, 2};
            // A prompt in two chunks beside another prompt, then one token each.
            float[] chunk = cached(decoder, arena, cache, two, List.of(sequence(0, 3, pagesOfTwo)));
            float[] mixed =
                    cached(
                            decoder,
                            arena,
                            cache,
                            new int[] {one[0], one[1], one[2], two[3], two[4], two[5]},
                            List.of(sequence(0, 3, pagesOfOne), sequence(3, 3, pagesOfTwo)));
            float[] last =
                    cached(
                            decoder,
                            arena,
                            cache,
                            new int[] {two[6], one[3]},
                            List.of(sequence(6, 1, pagesOfTwo), sequence(3, 1, pagesOfOne)));

            int width = decoder.architecture().size().width();
            float[] wholeOne = hidden(decoder, arena, batch(one, 0, 4));
            float[] wholeTwo = hidden(decoder, arena, batch(two, 0, 7));
            close(rows(chunk, width, 0, 3), rows(wholeTwo, width, 0, 3));
            close(rows(mixed, width, 0, 3), rows(wholeOne, width, 0, 3));
            close(rows(mixed, width, 3, 6), rows(wholeTwo, width, 3, 6));
            close(rows(last, width, 0, 1), rows(wholeTwo, width, 6, 7));
            close(rows(last, width, 1, 2), rows(wholeOne, width, 3, 4));
        }
    }

    @Test
    void aTrainingStepRepeatsBitForBitAndLeavesNothingBehind() {
        try (Decoder decoder = load(DType.BF16);
                StepArena arena = StepArena.unlimited();
                Region region = Region.lasting("gradients")) {
            decoder.trainAll(region);
            Map<String, float[]> first = gradients(decoder, arena, CheckpointPolicy.keepAll());
            long handles = TorchAbi.get().liveHandles();
            long mapped = arena.mappedBytes();
            for (CheckpointPolicy policy : CheckpointPolicy.values()) {
                Map<String, float[]> again = gradients(decoder, arena, policy);
                first.forEach((name, gradient) ->
                        assertThat(again.get(name)).as("%s %s", policy, name).isEqualTo(gradient));
            }
            assertThat(TorchAbi.get().liveHandles()).isEqualTo(handles);
            assertThat(arena.mappedBytes()).isEqualTo(mapped);
            assertThat(arena.depth()).isZero();
        }
    }

    @Test
    void gradientsInBf16PointWhereThoseInFp32Point() {
        Map<String, float[]> wide = gradientsOf(DType.F32);
        Map<String, float[]> narrow = gradientsOf(DType.BF16);

        double dot = 0;
        double wideSquares = 0;
        double narrowSquares = 0;
        for (String name : wide.keySet()) {
            float[] a = Objects.requireNonNull(wide.get(name));
            float[] b = Objects.requireNonNull(narrow.get(name));
            for (int i = 0; i < a.length; i++) {
                dot += (double) a[i] * b[i];
                wideSquares += (double) a[i] * a[i];
                narrowSquares += (double) b[i] * b[i];
            }
        }
        assertThat(dot / Math.sqrt(wideSquares * narrowSquares)).isGreaterThan(0.998);
    }

    @Test
    void aTokenOutsideTheVocabularyIsNamed() {
        try (Decoder decoder = load(DType.F32);
                StepArena arena = StepArena.unlimited()) {
            assertThatExceptionOfType(IllegalArgumentException.class)
                    .isThrownBy(() -> hidden(decoder, arena, batch(new int[] {1, 9999}, 0, 2)))
                    .withMessageContaining("token 9999 at 1");
        }
    }

    @Test
    void missingAndUnknownTensorsAreNamedTogether(@TempDir Path folder) throws IOException {
        for (String name : List.of(ModelDirectory.WEIGHTS)) {
            Files.copy(LLAMA.resolve(name), folder.resolve(name));
        }
        Map<String, Object> config =
                new HashMap<>(JsonTree.read(LLAMA.resolve(ModelDirectory.CONFIG)));
        config.put("num_hidden_layers", 1);
        config.put("tie_word_embeddings", false);
        JsonTree.write(folder.resolve(ModelDirectory.CONFIG), config);

        assertThatExceptionOfType(UnsupportedModelException.class)
                .isThrownBy(() ->
                        Decoder.load(ModelDirectory.open(folder), DType.F32, Decoder.Loading.MAPPED)
                                .close())
                .withMessageContaining("tensor lm_head.weight is missing")
                .withMessageContaining("tensor model.layers.1.input_layernorm.weight is unknown");
    }

    private static Map<String, float[]> gradientsOf(DType type) {
        try (Decoder decoder = load(type);
                StepArena arena = StepArena.unlimited();
                Region region = Region.lasting("gradients")) {
            decoder.trainAll(region);
            return gradients(decoder, arena, CheckpointPolicy.keepAll());
        }
    }

    private static Map<String, float[]> gradients(
            Decoder decoder, StepArena arena, CheckpointPolicy policy) {
        decoder.parameters().forEach(Parameter::clearGradient);
        TokenBatch batch = batch(IDS, 0, 4, 11);
        try (Region step = arena.open("step")) {
            Tape tape = Tape.recording(arena, step, 0);
            Tensor hidden = decoder.forward(tape, batch, policy);
            Head.Targets targets =
                    new Head.Targets(batch.labels_N(), batch.weights_N(), TokenBatch.NOT_TRAINED);
            assertThat(decoder.head().loss(tape, hidden, targets, 0.1).weighted()).isPositive();
            tape.backward();
        }
        Map<String, float[]> gradients = new HashMap<>();
        decoder.parameters().forEach(p -> gradients.put(p.name(), p.gradient().toFloats()));
        return gradients;
    }

    private static Decoder load(DType type) {
        return Decoder.load(ModelDirectory.open(LLAMA), type, Decoder.Loading.WRITABLE);
    }

    private static TokenBatch batch(int[] ids, int... cuSeqlens) {
        int[] positions = new int[ids.length];
        int[] labels = new int[ids.length];
        float[] weights = new float[ids.length];
        for (int d = 0; d + 1 < cuSeqlens.length; d++) {
            for (int n = cuSeqlens[d]; n < cuSeqlens[d + 1]; n++) {
                positions[n] = n - cuSeqlens[d];
                boolean last = n + 1 == cuSeqlens[d + 1];
                labels[n] = last ? TokenBatch.NOT_TRAINED : ids[n + 1];
                weights[n] = last ? 0 : 1;
            }
        }
        return new TokenBatch(ids, positions, cuSeqlens, labels, weights);
    }

    private static float[] hidden(Decoder decoder, StepArena arena, TokenBatch batch) {
        try (Region step = arena.open("forward")) {
            return decoder.forward(Tape.silent(arena, step), batch, CheckpointPolicy.keepAll())
                    .toFloats();
        }
    }

    private static CachedBatch.Sequence sequence(int cached, int fresh, int... pages) {
        return new CachedBatch.Sequence(cached, fresh, pages);
    }

    private static float[] cached(
            Decoder decoder,
            StepArena arena,
            KvCache cache,
            int[] ids,
            List<CachedBatch.Sequence> sequences) {
        int tokens = sequences.stream().mapToInt(CachedBatch.Sequence::fresh).sum();
        try (Region step = arena.open("decode")) {
            CachedBatch batch = new CachedBatch(Arrays.copyOf(ids, tokens), sequences);
            return decoder.forwardCached(Tape.silent(arena, step), cache, batch).toFloats();
        }
    }

    private static float[] rows(float[] values, int width, int from, int to) {
        return Arrays.copyOfRange(values, from * width, to * width);
    }

    private static void close(float[] actual, float[] expected) {
        assertThat(actual).hasSameSizeAs(expected);
        for (int i = 0; i < expected.length; i++) {
            assertThat(actual[i])
                    .as("value %d", i)
                    .isCloseTo(expected[i], org.assertj.core.data.Offset.offset(1e-4f));
        }
    }
}
