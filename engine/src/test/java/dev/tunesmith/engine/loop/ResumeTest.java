package dev.tunesmith.engine.loop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tunesmith.contracts.care.Care;
import dev.tunesmith.contracts.dataset.Mixing;
import dev.tunesmith.contracts.fit.Depth;
import dev.tunesmith.contracts.job.AdapterSpec;
import dev.tunesmith.contracts.job.Precision;
import dev.tunesmith.contracts.job.ResolvedSpec;
import dev.tunesmith.contracts.method.AdapterKind;
import dev.tunesmith.contracts.method.Divergence;
import dev.tunesmith.contracts.method.Method;
import dev.tunesmith.contracts.method.MethodSettings;
import dev.tunesmith.contracts.method.MethodSettings.Preference;
import dev.tunesmith.contracts.method.PairLoss;
import dev.tunesmith.contracts.method.Reference;
import dev.tunesmith.contracts.method.TokenLoss;
import dev.tunesmith.contracts.mixture.DataPlan;
import dev.tunesmith.contracts.mixture.RowOrder;
import dev.tunesmith.contracts.optim.Curve;
import dev.tunesmith.contracts.optim.OptimizerKind;
import dev.tunesmith.contracts.optim.OptimizerSpec;
import dev.tunesmith.engine.io.JsonTree;
import dev.tunesmith.engine.loop.LoopObserver.Stop;
import dev.tunesmith.engine.loop.care.Best;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/// A run that was stopped and continued ends in the same bytes as one that was left alone.
class ResumeTest {

    @TempDir Path folder;
    private TinyModel model;

    /// Losses, norms and figures of the method of the latest run, step by step.
    private final List<String> said = new ArrayList<>();

    /// How the latest run ended that was not stopped.
    private @Nullable LoopState finished;

    @BeforeEach
    void createModel() throws IOException {
        model = TinyModel.create(Files.createDirectory(folder.resolve("model")));
    }

    /// Every method on an adapter and on a whole model, stopped at a step by chance.
    static Stream<Arguments> kinds() {
        var chance = new Random(5);
        Stream<Arguments> further =
                Stream.of(
                        Arguments.of(Method.SUPERVISED, TinyModel.lora(0.2), Precision.BF16, 5),
                        Arguments.of(Method.SUPERVISED, TinyModel.qlora(), Precision.BF16, 6),
                        Arguments.of(Method.SUPERVISED, TinyModel.FULL, Precision.BF16, 7),
                        Arguments.of(Method.SUPERVISED, TinyModel.FULL, Precision.FP32, 3));
        return Stream.concat(
                further,
                Arrays.stream(Method.values())
                        .flatMap(method ->
                                Stream.of(TinyModel.lora(0), TinyModel.FULL)
                                        .map(adapter ->
                                                Arguments.of(
                                                        method,
                                                        adapter,
                                                        chance.nextBoolean()
                                                                ? Precision.BF16
                                                                : Precision.FP32,
                                                        1 + chance.nextInt(11)))));
    }

    /// Every loss of preference pairs, on an adapter or on a whole model, stopped at some step.
    static Stream<Arguments> pairLosses() {
        var chance = new Random(6);
        return Arrays.stream(PairLoss.values())
                .map(loss ->
                        Arguments.of(
                                loss,
                                chance.nextBoolean() ? TinyModel.lora(0) : TinyModel.FULL,
                                1 + chance.nextInt(11)));
    }

    @ParameterizedTest
    @MethodSource("pairLosses")
    void resumesEveryPairLossBitForBit(PairLoss loss, AdapterSpec adapter, int stopAt)
            throws IOException {
        ResolvedSpec plain = TinyModel.spec(Method.DPO, adapter, Precision.BF16);
        requireSameEnd(TinyModel.with(plain, alone(loss)), stopAt);
    }

    private static Preference alone(PairLoss loss) {
        return new Preference(
                0.1,
                List.of(loss),
                List.of(1.0),
                0.1,
                Divergence.REVERSE_KL,
                0.5,
                0.05,
                null,
                false,
                false,
                Reference.START);
    }

    /// What watches over a run remembers its past too.
    static Stream<Arguments> cares() {
        return Stream.of(
                        Map.<String, Object>of("ema_decay", 0.9, "ema_start", 2),
                        Map.<String, Object>of("load_best_at_end", true, "ema_decay", 0.5),
                        Map.<String, Object>of("early_stopping_patience", 2),
                        Map.<String, Object>of(
                                "loss_guard", "skip", "guard_threshold", 0.5, "guard_window", 4))
                .flatMap(care ->
                        Stream.of(TinyModel.lora(0.1), TinyModel.FULL)
                                .map(adapter -> Arguments.of(care, adapter)));
    }

    @ParameterizedTest
    @MethodSource("cares")
    void whatWatchesOverARunResumesToo(Map<String, Object> care, AdapterSpec adapter)
            throws IOException {
        ResolvedSpec plain = TinyModel.spec(Method.SUPERVISED, adapter, Precision.BF16);
        requireSameEnd(TinyModel.with(plain, Care.of(care)), 7);
    }

    /// Averages and the best state where weights have no exact copy, or are others while they are
    /// measured: what is exported is not what trains.
    @ParameterizedTest
    @EnumSource(
            value = OptimizerKind.class,
            names = {"SCHEDULE_FREE", "LOMO", "ADAMW_BF16"})
    void whatIsKeptBesideEveryOptimizerResumesToo(OptimizerKind kind) throws IOException {
        ResolvedSpec plain = optimized(kind, TinyModel.FULL, Precision.BF16);
        Map<String, Object> care = Map.of("load_best_at_end", true, "ema_decay", 0.8);
        requireSameEnd(TinyModel.with(plain, Care.of(care)), 7);
    }

    /// Nothing is better by so much than the first evaluation, at step 3.
    private static ResolvedSpec waiting(AdapterSpec adapter, int patience) {
        Map<String, Object> care =
                Map.of(
                        "load_best_at_end",
                        true,
                        "early_stopping_patience",
                        patience,
                        "early_stopping_min_delta",
                        100.0);
        return TinyModel.with(
                TinyModel.spec(Method.SUPERVISED, adapter, Precision.BF16), Care.of(care));
    }

    /// Stopped at an evaluation and between two of them.
    @ParameterizedTest
    @CsvSource({"false, 6", "true, 8"})
    void theBestStateSurvivesAStop(boolean full, int stopAt) throws IOException {
        AdapterSpec adapter = full ? TinyModel.FULL : TinyModel.lora(0.1);
        requireSameEnd(waiting(adapter, 9), stopAt);

        assertThat(end().best().step()).isEqualTo(3);
        String weights = full ? "model.safetensors" : "adapter_model.safetensors";
        byte[] best = Files.readAllBytes(folder.resolve("resumed").resolve(weights));
        Map<String, byte[]> latest =
                result(
                        TinyModel.spec(Method.SUPERVISED, adapter, Precision.BF16),
                        "latest",
                        Integer.MAX_VALUE,
                        null);
        assertThat(latest.get(weights)).isNotEqualTo(best);
    }

    /// It waits through two evaluations, of which one came before the stop.
    @ParameterizedTest
    @ValueSource(ints = {6, 8})
    void patienceIsNotRenewedByAStop(int stopAt) throws IOException {
        requireSameEnd(waiting(TinyModel.lora(0), 2), stopAt);

        assertThat(end().step()).isEqualTo(9);
        assertThat(end().best()).extracting(Best::step, Best::waited).containsExactly(3, 2);
    }

    @Test
    void anAverageThatBeginsAfterTheStopBeginsWhenItShould() throws IOException {
        ResolvedSpec plain = TinyModel.spec(Method.SUPERVISED, TinyModel.lora(0), Precision.FP32);
        Map<String, Object> late = Map.of("ema_decay", 0.9, "ema_start", 9);
        requireSameEnd(TinyModel.with(plain, Care.of(late)), 5);
    }

    @ParameterizedTest
    @EnumSource(RowOrder.class)
    void everyOrderOfRowsGoesOnWhereItWas(RowOrder order) throws IOException {
        Path chats = model.folder().resolve("chat.jsonl");
        List<String> rows = Files.readAllLines(chats);
        for (int i = 0; i < rows.size(); i++) {
            rows.set(i, "{\"level\":%d,".formatted(i * 7 % 22) + rows.get(i).substring(1));
        }
        Files.write(chats, rows);
        String column = order == RowOrder.BY_COLUMN ? "level" : null;
        DataPlan plan = new DataPlan(List.of(), Mixing.CONCAT, null, order, column, null);
        ResolvedSpec chat = TinyModel.spec(Method.SUPERVISED, TinyModel.lora(0.1), Precision.BF16);
        requireSameEnd(TinyModel.with(chat, plan), 5);
    }

    @ParameterizedTest
    @EnumSource(
            value = OptimizerKind.class,
            names = {"LOMO", "ADALOMO"})
    void weightsThatChangeOnTheWayBackResumeToo(OptimizerKind kind) throws IOException {
        ResolvedSpec plain = TinyModel.spec(Method.SUPERVISED, TinyModel.FULL, Precision.BF16);
        requireSameEnd(
                TinyModel.inParts(
                        TinyModel.with(plain, new OptimizerSpec(kind, Map.of()), Curve.COSINE), 6),
                5);
    }

    /// Every kind of adapter that a job can ask for.
    static Stream<Arguments> adapters() {
        return Stream.of(
                        TinyModel.refined(),
                        TinyModel.variant(AdapterKind.DORA),
                        TinyModel.variant(AdapterKind.PISSA),
                        TinyModel.variant(AdapterKind.OLORA),
                        TinyModel.variant(AdapterKind.LOFTQ),
                        TinyModel.variant(AdapterKind.ADALORA),
                        TinyModel.variant(AdapterKind.VERA),
                        TinyModel.tuner(AdapterKind.IA3, 0, "k_proj", "v_proj", "down_proj"),
                        TinyModel.tuner(AdapterKind.OFT, 8, "all-linear"),
                        TinyModel.tuner(AdapterKind.BOFT, 4, "q_proj", "v_proj"),
                        TinyModel.tuner(AdapterKind.PROMPT_TUNING, 3),
                        TinyModel.tuner(AdapterKind.P_TUNING, 3),
                        TinyModel.tuner(AdapterKind.PREFIX_TUNING, 3))
                .map(Arguments::of);
    }

    /// Every way to train a part of a model.
    static Stream<Arguments> parts() {
        return Stream.of(
                        TinyModel.part(AdapterKind.FREEZE, List.of(1), "all"),
                        TinyModel.part(AdapterKind.FREEZE, List.of(0), "mlp", "*_layernorm"),
                        TinyModel.part(AdapterKind.LLAMA_PRO, List.of(1, 3), "all"),
                        TinyModel.part(AdapterKind.SPECTRUM, List.of(), "q_proj", "mlp.*"))
                .map(Arguments::of);
    }

    @ParameterizedTest
    @MethodSource("parts")
    void resumesATrainedPartBitForBit(AdapterSpec part) throws IOException {
        resumesBitForBit(Method.SUPERVISED, part, Precision.BF16, 5);
    }

    @ParameterizedTest
    @MethodSource("adapters")
    void resumesEveryKindOfAdapterBitForBit(AdapterSpec adapter) throws IOException {
        resumesBitForBit(Method.SUPERVISED, adapter, Precision.BF16, 5);
    }

    /// Every optimizer on whole models and, where it takes them, on adapters.
    static Stream<Arguments> optimizers() {
        return Arrays.stream(OptimizerKind.values())
                .flatMap(kind ->
                        Stream.of(TinyModel.FULL, TinyModel.lora(0.1))
                                .filter(adapter ->
                                        kind.takesAdapters() || adapter.equals(TinyModel.FULL))
                                .map(adapter -> Arguments.of(kind, adapter)));
    }

    @ParameterizedTest
    @MethodSource("optimizers")
    void resumesEveryOptimizerBitForBit(OptimizerKind kind, AdapterSpec adapter)
            throws IOException {
        requireSameEnd(optimized(kind, adapter, Precision.BF16), 6);
    }

    /// A job with that optimizer, whose slow habits show within a few steps.
    static ResolvedSpec optimized(OptimizerKind kind, AdapterSpec adapter, Precision precision) {
        Map<String, Object> settings = new TreeMap<>();
        kind.setting("rank").ifPresent(_ -> settings.put("rank", 4));
        kind.setting("update_proj_gap").ifPresent(_ -> settings.put("update_proj_gap", 4));
        kind.setting("switch_every").ifPresent(_ -> settings.put("switch_every", 3));
        kind.setting("amsgrad").ifPresent(_ -> settings.put("amsgrad", true));
        if (kind == OptimizerKind.ADAFACTOR) {
            settings.put("beta1", 0.9);
        }
        ResolvedSpec plain = TinyModel.spec(Method.SUPERVISED, adapter, precision);
        Curve curve = kind == OptimizerKind.SCHEDULE_FREE ? Curve.CONSTANT : Curve.COSINE;
        return TinyModel.with(plain, new OptimizerSpec(kind, settings), curve);
    }

    @Test
    void aRateThatListensToEvaluationsResumesToo() throws IOException {
        ResolvedSpec plain = TinyModel.spec(Method.SUPERVISED, TinyModel.FULL, Precision.FP32);
        Curve curve =
                Curve.of(Map.of("type", "reduce_on_plateau", "patience", 0, "threshold", 0.5));
        requireSameEnd(TinyModel.with(plain, OptimizerSpec.ADAMW, curve), 8);
    }

    @ParameterizedTest
    @MethodSource("kinds")
    void resumesBitForBit(Method method, AdapterSpec adapter, Precision precision, int stopAt)
            throws IOException {
        requireSameEnd(TinyModel.spec(method, adapter, precision), stopAt);
    }

    private void requireSameEnd(ResolvedSpec spec, int stopAt) throws IOException {
        Map<String, byte[]> straight = result(spec, "straight", Integer.MAX_VALUE, null);
        List<String> expected = List.copyOf(said);

        Path checkpoint = folder.resolve("stopped");
        Map<String, byte[]> _ = result(spec, "stopped", stopAt, null);
        Map<String, byte[]> resumed = result(spec, "resumed", Integer.MAX_VALUE, checkpoint);

        assertThat(resumed).hasSameSizeAs(straight);
        straight.forEach((name, bytes) -> assertThat(resumed.get(name)).as(name).isEqualTo(bytes));
        assertThat(said)
                .isEqualTo(expected.subList(expected.size() - said.size(), expected.size()));
    }

    @Test
    void noisyRunsResumeToo() throws IOException {
        ResolvedSpec plain = TinyModel.spec(Method.SUPERVISED, TinyModel.FULL, Precision.FP32);
        ResolvedSpec spec =
                TinyModel.with(
                        plain,
                        new MethodSettings.Supervised(
                                TokenLoss.DFT, 0, 1, 5, true, 0.1, Reference.START));
        Map<String, byte[]> straight = result(spec, "straight", Integer.MAX_VALUE, null);
        Map<String, byte[]> _ = result(spec, "stopped", 5, null);
        Map<String, byte[]> resumed =
                result(spec, "resumed", Integer.MAX_VALUE, folder.resolve("stopped"));
        straight.forEach((name, bytes) -> assertThat(resumed.get(name)).as(name).isEqualTo(bytes));
        assertThat(result(plain, "plain", Integer.MAX_VALUE, null).get("model.safetensors"))
                .isNotEqualTo(straight.get("model.safetensors"));
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void anchoredRunsResumeToo(boolean full) throws IOException {
        AdapterSpec adapter = full ? TinyModel.FULL : TinyModel.lora(0);
        ResolvedSpec plain = TinyModel.spec(Method.SUPERVISED, adapter, Precision.BF16);
        var asft =
                new MethodSettings.Supervised(TokenLoss.ASFT, 0, 1, 0, false, 0.1, Reference.START);
        requireSameEnd(TinyModel.with(plain, asft), 5);
    }

    /// The mean of all rewards so far is part of a checkpoint.
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void runsWithABaselineResumeToo(boolean full) throws IOException {
        AdapterSpec adapter = full ? TinyModel.FULL : TinyModel.lora(0);
        ResolvedSpec plain = TinyModel.spec(Method.KTO, adapter, Precision.BF16);
        var bco =
                new MethodSettings.Kto(MethodSettings.Kto.Variant.BCO, 0.5, 1, 1, Reference.START);
        requireSameEnd(TinyModel.with(plain, bco), full ? 4 : 7);
    }

    @Test
    void runsInGroupsResumeToo() throws IOException {
        ResolvedSpec plain = TinyModel.spec(Method.SUPERVISED, TinyModel.refined(), Precision.BF16);
        ResolvedSpec spec = TinyModel.inGroups(plain);
        Map<String, byte[]> straight = result(spec, "straight", Integer.MAX_VALUE, null);
        Map<String, byte[]> _ = result(spec, "stopped", 5, null);
        Map<String, byte[]> resumed =
                result(spec, "resumed", Integer.MAX_VALUE, folder.resolve("stopped"));
        straight.forEach((name, bytes) -> assertThat(resumed.get(name)).as(name).isEqualTo(bytes));
        assertThat(result(plain, "plain", Integer.MAX_VALUE, null).get("adapter_model.safetensors"))
                .isNotEqualTo(straight.get("adapter_model.safetensors"));
    }

    @Test
    void runsThatLeaveTokensOutResumeToo() throws IOException {
        ResolvedSpec plain = TinyModel.spec(Method.SUPERVISED, TinyModel.FULL, Precision.BF16);
        Map<String, Object> depth = Map.of("mixture_of_depths", "convert", "depth_capacity", 0.25);
        requireSameEnd(TinyModel.with(plain, Depth.of(depth)), 5);
    }

    @Test
    void aForgottenCursorIsNoticed() throws IOException {
        assertThat(resumedWith("row", 0)).isFalse();
    }

    @Test
    void aForgottenEpochIsNoticed() throws IOException {
        assertThat(resumedWith("epoch", 2)).isFalse();
    }

    @Test
    void aForgottenRandomCounterIsNoticed() throws IOException {
        assertThat(resumedWith("draws", 0)).isFalse();
    }

    @Test
    void theUntouchedStateResumes() throws IOException {
        assertThat(resumedWith("format", 1)).isTrue();
    }

    @Test
    void refusesTheCheckpointOfAnotherSpec() throws IOException {
        ResolvedSpec spec = TinyModel.spec(Method.SUPERVISED, TinyModel.lora(0), Precision.FP32);
        Map<String, byte[]> _ = result(spec, "stopped", 2, null);
        ResolvedSpec other = TinyModel.spec(Method.SUPERVISED, TinyModel.lora(0.5), Precision.FP32);

        assertThatThrownBy(() -> result(other, "other", 9, folder.resolve("stopped")))
                .isInstanceOf(CheckpointException.class)
                .hasMessageContaining("dropout is 0.0 there and 0.5 here");
    }

    /// Whether a run with dropout still ends in the same adapter when one value of its checkpoint's
    /// loop state is replaced.
    private boolean resumedWith(String key, Object value) throws IOException {
        ResolvedSpec spec = TinyModel.spec(Method.SUPERVISED, TinyModel.lora(0.2), Precision.FP32);
        Map<String, byte[]> straight = result(spec, "straight", Integer.MAX_VALUE, null);
        Map<String, byte[]> _ = result(spec, "stopped", 5, null);
        Path state = folder.resolve("stopped").resolve(CheckpointFolder.STATE);
        Map<String, Object> tree = new LinkedHashMap<>(JsonTree.read(state));
        Map<String, Object> loop = new LinkedHashMap<>();
        Objects.requireNonNull((Map<?, ?>) tree.get("loop"))
                .forEach((k, v) -> loop.put(k.toString(), v));
        loop.put(key, value);
        tree.put("loop", loop);
        JsonTree.write(state, tree);
        Map<String, byte[]> resumed =
                result(spec, "resumed", Integer.MAX_VALUE, folder.resolve("stopped"));
        String weights = "adapter_model.safetensors";
        return Arrays.equals(resumed.get(weights), straight.get(weights));
    }

    /// Runs up to `stopAt` steps; what is written under `name` is the result, or the checkpoint if
    /// the run was stopped.
    private Map<String, byte[]> result(
            ResolvedSpec spec, String name, int stopAt, @Nullable Path checkpoint)
            throws IOException {
        Path room = Files.createDirectory(folder.resolve(name + "-room"));
        Path out = Files.createDirectory(folder.resolve(name));
        try (TrainingRun run =
                TrainingRun.prepare(spec, model.sources(spec.method()), room, TinyModel.BYTES)) {
            LoopState from = checkpoint == null ? run.start() : run.restore(checkpoint).state();
            Recorder recorder =
                    new Recorder(
                            step -> step >= stopAt ? Stop.AFTER_SAVING : Stop.NO,
                            state -> saveIf(state.step() == stopAt, run, out, state));
            Outcome outcome = run.loop(from, recorder).run();
            said.clear();
            recorder.steps.forEach(step ->
                    said.add(
                            "%d: %s, %s, %s"
                                    .formatted(
                                            step.step(),
                                            step.loss(),
                                            step.gradientNorm(),
                                            step.metrics())));
            if (outcome instanceof Outcome.Finished(LoopState last)) {
                run.writeResult(out, last);
                finished = last;
            }
        }
        return files(out);
    }

    private LoopState end() {
        return Objects.requireNonNull(finished);
    }

    private static void saveIf(boolean wanted, TrainingRun run, Path out, LoopState state) {
        try {
            if (wanted) {
                run.writeCheckpoint(out, state);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Map<String, byte[]> files(Path folder) throws IOException {
        Map<String, byte[]> files = new TreeMap<>();
        try (Stream<Path> paths = Files.list(folder)) {
            for (Path path : paths.toList()) {
                files.put(path.getFileName().toString(), Files.readAllBytes(path));
            }
        }
        return files;
    }
}
