package dev.tunesmith.engine.loop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.tunesmith.contracts.fit.MemoryPlan;
import dev.tunesmith.contracts.fit.Recompute;
import dev.tunesmith.contracts.fit.Workload;
import dev.tunesmith.contracts.job.AdapterSpec;
import dev.tunesmith.contracts.job.Precision;
import dev.tunesmith.contracts.job.ResolvedSpec;
import dev.tunesmith.contracts.method.AdapterKind;
import dev.tunesmith.contracts.method.DistillSettings;
import dev.tunesmith.contracts.method.Grader;
import dev.tunesmith.contracts.method.Method;
import dev.tunesmith.contracts.method.MethodSettings;
import dev.tunesmith.contracts.method.ModelRole;
import dev.tunesmith.contracts.method.Reference;
import dev.tunesmith.engine.adapter.Adapter;
import dev.tunesmith.engine.adapter.kind.LoraConfig;
import dev.tunesmith.engine.adapter.site.Targets;
import dev.tunesmith.engine.corpus.ShardStore;
import dev.tunesmith.engine.io.ModelDirectory;
import dev.tunesmith.engine.loop.TrainingRun.Sources;
import dev.tunesmith.engine.model.Decoder;
import dev.tunesmith.engine.model.FreshWeights;
import dev.tunesmith.engine.model.ScoreHead;
import dev.tunesmith.engine.ops.Products;
import dev.tunesmith.engine.tensor.DType;
import dev.tunesmith.engine.tensor.MemoryUse;
import dev.tunesmith.engine.tensor.Region;
import dev.tunesmith.kernels.cpu.CpuKernels;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.FutureTask;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// What a plan says of jobs with several models, beside what all regions and arenas really held.
class CompanionPlanTest {

    private static final double SHARE = 0.05;
    private static final List<String> OUTSIDE = List.of("fixed", "fragmentation");
    private static final int ROW_TOKENS = 256;
    private static final Reference SECOND = new Reference("second");

    @TempDir Path folder;

    private Path model(String name, int layers, int width) throws IOException {
        Path model = Files.createDirectory(folder.resolve(name));
        Files.writeString(
                model.resolve(ModelDirectory.CONFIG),
                """
                {"architectures": ["LlamaForCausalLM"], "model_type": "llama",
                 "hidden_size": %d, "intermediate_size": %d, "num_hidden_layers": %d,
                 "num_attention_heads": 4, "num_key_value_heads": 2, "vocab_size": 1024,
                 "max_position_embeddings": 1024, "tie_word_embeddings": true,
                 "torch_dtype": "bfloat16"}
                """
                        .formatted(width, 3 * width, layers));
        FreshWeights.write(model, 7);
        Path tiny = folder.resolve("tiny");
        if (!Files.exists(tiny)) {
            TinyModel.create(Files.createDirectory(tiny));
        }
        for (String file : List.of(ModelDirectory.TOKENIZER, ModelDirectory.TOKENIZER_CONFIG)) {
            Files.copy(tiny.resolve("base").resolve(file), model.resolve(file));
        }
        return model;
    }

    private Sources.Companion companion(String name, int layers, int width) throws IOException {
        Path model = model(name, layers, width);
        try (Region region = Region.lasting("head")) {
            ScoreHead.fresh(width, Optional.of(1L), region).save(model);
        }
        return new Sources.Companion(ModelDirectory.open(model), Optional.empty());
    }

    private Path rows(Method method) throws IOException {
        String many = "What colour is the sky? ".repeat(20);
        String row =
                switch (method.rowKind()) {
                    case JUDGED -> "{\"prompt\":\"Q\",\"completion\":\"%s\",\"label\":true}\n";
                    case PAIR -> "{\"prompt\":\"Q\",\"chosen\":\"%s\",\"rejected\":\"No. %s\"}\n";
                    case PROMPT ->
                            "{\"messages\":[{\"role\":\"user\",\"content\":\"%s\"}],\"reference_answer\":\"e\"}\n";
                    default ->
                            "{\"messages\":[{\"role\":\"user\",\"content\":\"Q\"},{\"role\":\"assistant\",\"content\":\"%s\"}]}\n";
                };
        return Files.writeString(folder.resolve("rows.jsonl"), row.formatted(many, many).repeat(6));
    }

    private static ResolvedSpec spec(Method method, boolean full) {
        return spec(method, full, Precision.BF16);
    }

    private static ResolvedSpec spec(Method method, boolean full, Precision precision) {
        ResolvedSpec spec =
                TinyModel.twoSteps(
                        TinyModel.spec(
                                method, full ? TinyModel.FULL : TinyModel.lora(0), precision),
                        ROW_TOKENS);
        return switch (spec.settings()) {
            case MethodSettings.Ppo ppo ->
                    spec.with(
                            new MethodSettings.Ppo(
                                    ppo.rollout(),
                                    ppo.distance(),
                                    ppo.credit(),
                                    ppo.update(),
                                    new Grader.Scored("judge"),
                                    Reference.START));
            case DistillSettings given ->
                    spec.with(
                            new DistillSettings(
                                    given.teacher(),
                                    given.alpha(),
                                    given.beta(),
                                    given.softening(),
                                    0,
                                    given.rollout()));
            default -> spec;
        };
    }

    /// A student beside a teacher that is larger than it, a policy beside a judge that is larger,
    /// and beside one of its own size.
    @ParameterizedTest
    @CsvSource({
        "DPO, false, NONE, 0, 0",
        "DPO, true, NONE, 0, 0",
        "DPO, true, BLOCK, 0, 0",
        "PPO, false, NONE, 4, 192",
        "PPO, true, NONE, 4, 192",
        "PPO, true, BLOCK, 6, 128",
        "DISTILL, false, NONE, 6, 256",
        "DISTILL, false, BLOCK, 3, 512",
        "DISTILL, true, NONE, 6, 256",
        "DISTILL, true, NONE, 2, 128"
    })
    void isRight(Method method, boolean full, Recompute recompute, int layers, int width)
            throws Exception {
        assumeTrue(
                Products.sumsWide(DType.BF16),
                "libtorch's products round weight gradients in a place that plans leave out");
        ModelDirectory base = ModelDirectory.open(model("base", 6, 128));
        Map<ModelRole, Sources.Companion> companions =
                switch (method) {
                    case PPO -> Map.of(ModelRole.REWARD_MODEL, companion("judge", layers, width));
                    case DISTILL -> Map.of(ModelRole.TEACHER, companion("teacher", layers, width));
                    default -> Map.of();
                };
        var sources = new Sources(base, rows(method), Optional.empty(), companions);
        check(spec(method, full).with(recompute), sources);
        if (full || !companions.isEmpty()) {
            assertThat(plan(spec(method, full), sources).section("companions")).isPositive();
        }
    }

    /// Pairs and verdicts beside a reference that is larger than the policy, and smaller.
    @ParameterizedTest
    @CsvSource({
        "DPO, false, FP32, 6, 256",
        "DPO, true, FP32, 3, 384",
        "DPO, true, FP32, 2, 64",
        "KTO, false, FP32, 6, 256",
        "KTO, true, FP32, 6, 192",
        "DPO, false, BF16, 6, 256",
        "DPO, true, BF16, 3, 384",
        "KTO, true, BF16, 6, 192"
    })
    void countsAReferenceOfItsOwn(
            Method method, boolean full, Precision precision, int layers, int width)
            throws Exception {
        assumeTrue(
                precision == Precision.FP32 || Products.sumsWide(DType.BF16),
                "libtorch's products round weight gradients in a place that plans leave out");
        ModelDirectory base = ModelDirectory.open(model("base", 6, 128));
        Sources.Companion second = companion("second", layers, width);
        var sources =
                new Sources(
                        base, rows(method), Optional.empty(), Map.of(ModelRole.REFERENCE, second));
        ResolvedSpec spec = TinyModel.compared(spec(method, full, precision), SECOND);
        check(spec, sources);
        long bytes = precision == Precision.BF16 ? 2 : 4;
        assertThat(plan(spec, sources).section("companions"))
                .isGreaterThanOrEqualTo(bytes * TrainingRun.facts(second.base()).parameters());
    }

    /// A small model with a large adapter: two fifths of what is held are that adapter.
    @ParameterizedTest
    @CsvSource({
        "DPO, REFERENCE, FP32",
        "DISTILL, TEACHER, FP32",
        "PPO, REWARD_MODEL, FP32",
        "DPO, REFERENCE, BF16",
        "DISTILL, TEACHER, BF16"
    })
    void countsTheAdapterOfAnotherModel(Method method, ModelRole role, Precision precision)
            throws Exception {
        ModelDirectory base = ModelDirectory.open(model("base", 4, 128));
        Path second = companion("second", 4, 128).base().path();
        Path adapter = wideAdapter(second, "adapter");
        Files.copy(second.resolve(ScoreHead.FILE), adapter.resolve(ScoreHead.FILE));
        var named = new Sources.Companion(ModelDirectory.open(second), Optional.of(adapter));
        var sources = new Sources(base, rows(method), Optional.empty(), Map.of(role, named));
        ResolvedSpec spec = spec(method, false, precision);
        ResolvedSpec compared =
                role == ModelRole.REFERENCE ? TinyModel.compared(spec, SECOND) : spec;
        check(compared, sources);
        MemoryPlan plan = plan(compared, sources);
        long bytes = (precision == Precision.BF16 ? 2 : 4) * Adapter.storedParameters(adapter);
        assertThat(bytes).isGreaterThan((long) (2 * SHARE * plan.total() / 4));
        assertThat(plan.section("companions")).isGreaterThan(bytes);
    }

    /// A small model with a large adapter, which is kept as it was beside what trains.
    @ParameterizedTest
    @CsvSource({"DPO, FP32", "KTO, FP32", "DPO, BF16"})
    void countsTheAdapterAsItWas(Method method, Precision precision) throws Exception {
        ModelDirectory base = ModelDirectory.open(model("base", 4, 128));
        Path before = wideAdapter(base.path(), "before");
        AdapterSpec lora =
                new AdapterSpec.Lora(
                        256, 16, 0, List.of("all-linear"), false, AdapterSpec.Export.ADAPTER);
        ResolvedSpec spec = TinyModel.twoSteps(TinyModel.spec(method, lora, precision), ROW_TOKENS);
        var sources =
                new Sources(base, rows(method), Optional.empty(), Map.of(), Optional.of(before));
        check(spec, sources);
        int width = precision == Precision.BF16 ? 2 : 4;
        assertThat(plan(spec, sources).section("companions"))
                .isEqualTo(width * Adapter.storedParameters(before));
    }

    /// What a LoftQ begins with is a part of its reference.
    @Test
    void countsWhatALoftQBeginsWith() throws Exception {
        ModelDirectory base = ModelDirectory.open(model("base", 4, 128));
        AdapterSpec loftq =
                new AdapterSpec.Lora(
                                96, 16, 0, List.of("all-linear"), false, AdapterSpec.Export.ADAPTER)
                        .withFrozen(TinyModel.CODES)
                        .withVariant(AdapterKind.LOFTQ);
        ResolvedSpec spec =
                TinyModel.twoSteps(TinyModel.spec(Method.DPO, loftq, Precision.FP32), ROW_TOKENS);
        var sources = new Sources(base, rows(Method.DPO), Optional.empty());
        check(spec, sources);
        assertThat(plan(spec, sources).section("companions")).isPositive();
    }

    private Path wideAdapter(Path model, String name) throws IOException {
        Path adapter = Files.createDirectory(folder.resolve(name));
        try (Decoder decoder =
                        Decoder.load(
                                ModelDirectory.open(model), DType.F32, Decoder.Loading.MAPPED);
                Adapter fresh =
                        Adapter.fresh(
                                decoder,
                                LoraConfig.plain("second", 256, 16, 0, Targets.allLinear()),
                                1)) {
            fresh.save(adapter);
        }
        return adapter;
    }

    /// Compares the plan with what regions and arenas hold.
    private void check(ResolvedSpec spec, Sources sources) throws Exception {
        long before = MemoryUse.bytes();
        var measured =
                new FutureTask<>(() -> {
                    MemoryUse.restart();
                    train(spec, sources);
                    return MemoryUse.peakBytes() - before;
                });
        Thread.ofPlatform().start(measured);
        long held = measured.get();
        MemoryPlan plan = plan(spec, sources);
        long planned = plan.total() - OUTSIDE.stream().mapToLong(plan::section).sum();
        assertThat((double) planned / held)
                .as("planned %d, held %d, %s", planned, held, plan)
                .isCloseTo(1, within(SHARE));
    }

    @Test
    void aReferenceThatIsTheModelWithoutItsAdapterIsNoModel() throws Exception {
        ModelDirectory base = ModelDirectory.open(model("base", 2, 64));
        var sources = new Sources(base, rows(Method.DPO), Optional.empty());
        assertThat(plan(spec(Method.DPO, false), sources).section("companions")).isZero();
        assertThat(plan(spec(Method.DPO, true), sources).section("companions"))
                .isEqualTo(2 * TrainingRun.facts(base).parameters());
    }

    private void train(ResolvedSpec spec, Sources sources) throws IOException {
        Path room = Files.createDirectory(folder.resolve("room"));
        try (TrainingRun run = TrainingRun.prepare(spec, sources, room, TinyModel.BYTES)) {
            var recorder = new Recorder(_ -> LoopObserver.Stop.NO, _ -> {});
            assertThat(run.loop(run.start(), recorder).run()).isInstanceOf(Outcome.Finished.class);
        }
    }

    private MemoryPlan plan(ResolvedSpec spec, Sources sources) throws IOException {
        Path room = Files.createTempDirectory(folder, "plan");
        try (TrainingRows rows = TrainingRows.read(spec, sources, room, ShardStore.NONE)) {
            Workload work = TrainingRun.workload(spec, sources, rows.stats());
            return MemoryPlan.of(
                    TrainingRun.facts(sources.base(), sources.adapter()),
                    work.withThreads(CpuKernels.threads()));
        }
    }
}
