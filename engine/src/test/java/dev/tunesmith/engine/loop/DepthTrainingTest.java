package dev.tunesmith.engine.loop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.tunesmith.contracts.fit.Depth;
import dev.tunesmith.contracts.fit.Recompute;
import dev.tunesmith.contracts.job.Precision;
import dev.tunesmith.contracts.job.ResolvedSpec;
import dev.tunesmith.contracts.method.Method;
import dev.tunesmith.engine.adapter.Adapter;
import dev.tunesmith.engine.data.TokenBatch;
import dev.tunesmith.engine.gguf.GgufExport;
import dev.tunesmith.engine.gguf.GgufMixture;
import dev.tunesmith.engine.io.ModelDirectory;
import dev.tunesmith.engine.io.ModelFileException;
import dev.tunesmith.engine.io.SafetensorsFile;
import dev.tunesmith.engine.loop.subject.SpecRefusedException;
import dev.tunesmith.engine.model.Decoder;
import dev.tunesmith.engine.model.entry.CachedBatch;
import dev.tunesmith.engine.model.entry.KvCache;
import dev.tunesmith.engine.tape.CheckpointPolicy;
import dev.tunesmith.engine.tape.Tape;
import dev.tunesmith.engine.tensor.DType;
import dev.tunesmith.engine.tensor.Region;
import dev.tunesmith.engine.tensor.StepArena;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// Models that leave tokens out of layers: made, trained, written, read and asked.
class DepthTrainingTest {

    private static final String ROUTER = "model.layers.1.router.weight";
    private static final int WIDTH = 32;

    @TempDir Path folder;
    private TinyModel model;
    private int rooms;
    private Recorder last = new Recorder();

    @BeforeEach
    void createModel() throws IOException {
        model = TinyModel.create(Files.createDirectory(folder.resolve("model")));
    }

    private static Depth depth(String start, double capacity, double lossWeight) {
        return start.equals("convert")
                ? Depth.of(
                        Map.of(
                                "mixture_of_depths",
                                start,
                                "depth_capacity",
                                capacity,
                                "depth_loss_weight",
                                lossWeight))
                : Depth.of(Map.of("mixture_of_depths", start, "depth_loss_weight", lossWeight));
    }

    private static ResolvedSpec routed(Precision precision) {
        ResolvedSpec plain = TinyModel.spec(Method.SUPERVISED, TinyModel.FULL, precision);
        return TinyModel.with(plain, depth("convert", 0.25, 0.5));
    }

    private Path result(ResolvedSpec spec, ModelDirectory base) throws IOException {
        Path room = Files.createDirectory(folder.resolve("room" + rooms++));
        Path out = Files.createDirectory(folder.resolve("result" + rooms));
        TrainingRun.Sources plain = model.sources(spec.method());
        var sources =
                new TrainingRun.Sources(
                        base,
                        plain.training(),
                        plain.validation(),
                        plain.companions(),
                        plain.adapter(),
                        plain.others());
        last = new Recorder();
        try (TrainingRun run = TrainingRun.prepare(spec, sources, room, TinyModel.BYTES)) {
            Outcome outcome = run.loop(run.start(), last).run();
            run.writeResult(out, ((Outcome.Finished) outcome).state());
        }
        return out;
    }

    private Path result(ResolvedSpec spec) throws IOException {
        return result(spec, ModelDirectory.open(model.folder().resolve("base")));
    }

    private static float[] router(Path folder) {
        try (SafetensorsFile stored =
                SafetensorsFile.open(folder.resolve(ModelDirectory.WEIGHTS))) {
            return stored.floats(ROUTER);
        }
    }

    @Test
    void learnsAndRepeatsBitForBit() throws IOException {
        Path first = result(routed(Precision.BF16));
        List<Double> losses = last.losses();
        double shareAtFirst = figure(last.steps.getFirst(), "router/loss");
        Path second = result(routed(Precision.BF16));

        assertThat(last.losses()).isEqualTo(losses);
        assertThat(Files.mismatch(weights(first), weights(second))).isEqualTo(-1);
        assertThat(losses.getLast()).isLessThan(0.9 * losses.getFirst());
        assertThat(figure(last.steps.getLast(), "router/loss")).isLessThan(shareAtFirst);
        assertThat(last.evaluations.getLast().metrics()).containsKey("router/share");
        assertThat(ModelDirectory.open(first).config().get("mixture_of_depths"))
                .isEqualTo(Map.of("every", 2, "capacity", 0.25));
        assertThat(router(first)).hasSize(WIDTH);
    }

    private static double figure(StepReport step, String name) {
        return Objects.requireNonNull(step.metrics().get(name), name);
    }

    private static Path weights(Path folder) {
        return folder.resolve(ModelDirectory.WEIGHTS);
    }

    @ParameterizedTest
    @EnumSource
    void whatIsComputedAgainChangesNothing(Recompute recompute) throws IOException {
        ResolvedSpec spec = TinyModel.steps(routed(Precision.BF16), 4);
        Path expected = result(spec);
        Path found = result(spec.with(recompute));
        assertThat(Files.mismatch(weights(found), weights(expected))).isEqualTo(-1);
    }

    /// Texts that stand beside each other do not see each other, and the routers' own loss is that
    /// of the whole step.
    @Test
    void partsOfAStepAddUpToTheWhole() throws IOException {
        ResolvedSpec spec = TinyModel.steps(routed(Precision.FP32), 3);
        float[][] found = new float[2][];
        List<List<Double>> losses = new ArrayList<>();
        for (int i = 0; i < 2; i++) {
            ResolvedSpec parts = TinyModel.inParts(spec, i == 0 ? 6 : 1);
            found[i] = router(result(TinyModel.with(parts, depth("convert", 0.25, 0.5))));
            losses.add(last.losses());
        }
        assertThat(found[1]).containsExactly(found[0], within(2e-4f));
        for (int step = 0; step < 3; step++) {
            assertThat(losses.get(1).get(step)).isCloseTo(losses.get(0).get(step), within(1e-4));
        }
        ResolvedSpec deaf = TinyModel.with(TinyModel.inParts(spec, 6), depth("convert", 0.25, 0));
        assertThat(router(result(deaf))).isNotEqualTo(found[0]);
    }

    @Test
    void goesOnFromAModelThatHasRouters() throws IOException {
        Path first = result(routed(Precision.FP32));
        ResolvedSpec plain = TinyModel.spec(Method.SUPERVISED, TinyModel.FULL, Precision.FP32);
        Path second =
                result(TinyModel.with(plain, depth("load", 0, 0.5)), ModelDirectory.open(first));
        assertThat(ModelDirectory.open(second).config().get("mixture_of_depths"))
                .isEqualTo(Map.of("every", 2, "capacity", 0.25));
        assertThat(router(second)).isNotEqualTo(router(first));
    }

    @Test
    void adaptersTrainBesideRouters() throws IOException {
        ModelDirectory base = ModelDirectory.open(result(routed(Precision.FP32)));
        ResolvedSpec plain = TinyModel.spec(Method.SUPERVISED, TinyModel.lora(0), Precision.FP32);
        Path adapter = result(TinyModel.with(plain, depth("load", 0, 0.5)), base);
        List<Double> losses = last.losses();
        assertThat(losses.getLast()).isLessThan(losses.getFirst());
        try (Decoder decoder = Decoder.load(base, DType.F32, Decoder.Loading.MAPPED)) {
            float[] before = whole(decoder, ids(20), 0, 20);
            try (Adapter _ = Adapter.load(decoder, adapter)) {
                assertThat(whole(decoder, ids(20), 0, 20)).isNotEqualTo(before);
            }
        }
    }

    @Test
    void saysWhatAModelCannotDo() throws IOException {
        ResolvedSpec plain = TinyModel.spec(Method.SUPERVISED, TinyModel.FULL, Precision.FP32);
        ModelDirectory routed =
                ModelDirectory.open(result(TinyModel.steps(routed(Precision.FP32), 1)));
        assertThatThrownBy(() -> result(plain, routed))
                .isInstanceOf(SpecRefusedException.class)
                .hasMessageContaining("leaves tokens out of layers: ask for load");
        assertThatThrownBy(() -> result(routed(Precision.FP32), routed))
                .isInstanceOf(SpecRefusedException.class)
                .hasMessageContaining("has routers already");
        assertThatThrownBy(() -> result(TinyModel.with(plain, depth("load", 0, 0.5))))
                .isInstanceOf(SpecRefusedException.class)
                .hasMessageContaining("no routers to load");
        assertThatThrownBy(() ->
                        GgufExport.run(
                                routed,
                                folder.resolve("m.gguf"),
                                GgufMixture.of("f16").orElseThrow()))
                .isInstanceOf(ModelFileException.class)
                .hasMessageContaining("layers that few tokens pass");
    }

    /// Two sequences, one in three pieces, on pages that lie anywhere.
    @Test
    void aCacheChangesNothing() throws IOException {
        ModelDirectory trained = ModelDirectory.open(result(routed(Precision.FP32)));
        int[] ids = ids(30);
        try (Decoder decoder = Decoder.load(trained, DType.F32, Decoder.Loading.MAPPED);
                StepArena arena = StepArena.unlimited();
                KvCache cache = decoder.cache(16, 4)) {
            float[] first = whole(decoder, ids, 0, 19);
            float[] second = whole(decoder, ids, 19, 30);
            int[] pages = {7, 1, 14, 0, 3};
            int[] others = {2, 9, 5};
            List<float[]> parts = new ArrayList<>();
            parts.add(cached(decoder, arena, cache, ids(ids, 0, 11), new int[][] {pages, {0, 11}}));
            float[] both =
                    cached(
                            decoder,
                            arena,
                            cache,
                            ids(ids, 11, 30),
                            new int[][] {pages, {11, 8}, others, {0, 11}});
            parts.add(Arrays.copyOf(both, 8 * WIDTH));
            assertThat(joined(parts)).containsExactly(first, within(2e-5f));
            assertThat(Arrays.copyOfRange(both, 8 * WIDTH, 19 * WIDTH))
                    .containsExactly(second, within(2e-5f));
            // A fork goes on with copies of the pages.
            cache.copy(2, 12);
            cache.copy(9, 13);
            int[][] fork = {new int[] {12, 13, 8}, {8, 3}};
            assertThat(cached(decoder, arena, cache, ids(ids, 27, 30), fork))
                    .containsExactly(
                            Arrays.copyOfRange(second, 8 * WIDTH, 11 * WIDTH), within(2e-5f));
            // Pages that were used before: what passed there is forgotten.
            List<float[]> singles = new ArrayList<>();
            for (int n = 19; n < 30; n++) {
                int[][] one = {pages, {n - 19, 1}};
                singles.add(cached(decoder, arena, cache, ids(ids, n, n + 1), one));
            }
            assertThat(joined(singles)).containsExactly(second, within(2e-5f));
        }
    }

    /// Loaded for serving, matrices lie otherwise.
    @Test
    void servesWhatWasTrained() throws IOException {
        ModelDirectory trained = ModelDirectory.open(result(routed(Precision.BF16)));
        try (Decoder mapped = Decoder.load(trained, DType.BF16, Decoder.Loading.MAPPED);
                Decoder resident = Decoder.load(trained, DType.BF16, Decoder.Loading.RESIDENT)) {
            float[] expected = whole(mapped, ids(24), 0, 24);
            assertThat(whole(resident, ids(24), 0, 24)).containsExactly(expected, within(0.1f));
        }
    }

    private static int[] ids(int count) {
        int[] ids = new int[count];
        Arrays.setAll(ids, n -> 3 + n * 31 % 300);
        return ids;
    }

    private static int[] ids(int[] all, int from, int to) {
        return Arrays.copyOfRange(all, from, to);
    }

    private static float[] joined(List<float[]> parts) {
        float[] all = new float[parts.stream().mapToInt(part -> part.length).sum()];
        int at = 0;
        for (float[] part : parts) {
            System.arraycopy(part, 0, all, at, part.length);
            at += part.length;
        }
        return all;
    }

    private static float[] whole(Decoder decoder, int[] all, int from, int to) {
        int[] ids = ids(all, from, to);
        int[] positions = new int[ids.length];
        Arrays.setAll(positions, n -> n);
        int[] labels = new int[ids.length];
        Arrays.fill(labels, TokenBatch.NOT_TRAINED);
        TokenBatch batch =
                new TokenBatch(
                        ids, positions, new int[] {0, ids.length}, labels, new float[ids.length]);
        try (StepArena arena = StepArena.unlimited();
                Region step = arena.open("forward")) {
            return decoder.forward(Tape.silent(arena, step), batch, CheckpointPolicy.keepAll())
                    .toFloats();
        }
    }

    /// @param places pages, then cached and new tokens, of every sequence
    private static float[] cached(
            Decoder decoder, StepArena arena, KvCache cache, int[] ids, int[][] places) {
        List<CachedBatch.Sequence> sequences = new ArrayList<>();
        for (int s = 0; s < places.length; s += 2) {
            sequences.add(new CachedBatch.Sequence(places[s + 1][0], places[s + 1][1], places[s]));
        }
        try (Region step = arena.open("decode")) {
            return decoder.forwardCached(
                            Tape.silent(arena, step), cache, new CachedBatch(ids, sequences))
                    .toFloats();
        }
    }
}
