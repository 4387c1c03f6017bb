package dev.tunesmith.contracts.job;

import static dev.tunesmith.contracts.job.Nano.NANO;
import static dev.tunesmith.contracts.job.Nano.STATS;
import static org.assertj.core.api.Assertions.assertThat;

import dev.tunesmith.contracts.TestingJson;
import dev.tunesmith.contracts.data.DatasetStats;
import dev.tunesmith.contracts.fit.BlockExpansion;
import dev.tunesmith.contracts.fit.MemoryPlan;
import dev.tunesmith.contracts.fit.ModelFacts;
import dev.tunesmith.contracts.fit.Recompute;
import dev.tunesmith.contracts.id.FileId;
import dev.tunesmith.contracts.job.AdapterSpec.FrozenForm;
import dev.tunesmith.contracts.job.AdapterSpec.Quantization;
import dev.tunesmith.contracts.method.AdapterKind;
import dev.tunesmith.contracts.method.Method;
import dev.tunesmith.contracts.method.MethodChoice;
import dev.tunesmith.contracts.optim.Curve;
import dev.tunesmith.contracts.optim.OptimizerSpec;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

final class ResolverTest {
    private static final long PLENTY = 64L << 30;

    private static JobSpec spec(Method method, Hyperparameters numbers, TrainingOptions options) {
        return new JobSpec(
                1,
                JobKind.TRAIN,
                method,
                "nano",
                new FileId(new UUID(0, 1)),
                null,
                null,
                numbers,
                MethodChoice.of(method),
                options,
                JobSpec.Labels.NONE,
                JobSpec.Scheduling.NORMAL);
    }

    private static TrainingOptions with(
            TrainingOptions.Rows rows, TrainingOptions.Compute compute) {
        TrainingOptions nothing = TrainingOptions.NOTHING;
        return new TrainingOptions(
                nothing.adapter(), rows, nothing.optimizer(), nothing.cadence(), compute);
    }

    private static TrainingOptions compute(
            @Nullable Integer micro, @Nullable Integer accumulation) {
        return with(
                TrainingOptions.NOTHING.rows(),
                new TrainingOptions.Compute(null, micro, accumulation, null));
    }

    private static ResolvedSpec resolve(JobSpec spec) {
        return Resolver.resolve(spec, NANO, STATS, PLENTY);
    }

    private static ResolvedSpec auto() {
        return resolve(spec(Method.SUPERVISED, Hyperparameters.AUTO, TrainingOptions.NOTHING));
    }

    @Test
    void decidesEverythingThatWasLeftOpen() {
        ResolvedSpec spec = auto();
        assertThat(spec.adapter())
                .isEqualTo(
                        new AdapterSpec.Lora(
                                16,
                                32,
                                0,
                                List.of("all-linear"),
                                false,
                                AdapterSpec.Export.ADAPTER));
        assertThat(spec.rows())
                .isEqualTo(new ResolvedSpec.Rows(320, false, Overflow.TRUNCATE, false, 0, 8, 8));
        assertThat(spec.steps()).isEqualTo(new ResolvedSpec.Steps(3, 375, null, 1, 38, 0));
        assertThat(spec.precision()).isEqualTo(Precision.BF16);
        assertThat(spec.gradientCheckpointing()).isFalse();
        assertThat(spec.seed()).isEqualTo(42);
        assertThat(spec.optimizer().curve()).isEqualTo(Curve.COSINE);
        assertThat(spec.optimizer().learningRate()).isBetween(2e-4, 1e-3);
    }

    @Test
    void everyShownValueHasAnOriginAndDerivedOnesAReason() {
        ResolvedSpec spec = auto();
        assertThat(spec.origins().keySet())
                .containsAll(
                        spec.flat().keySet().stream()
                                .filter(key -> !key.equals("planned_steps"))
                                .toList());
        assertThat(spec.origins().values())
                .allSatisfy(origin ->
                        assertThat(origin.reason() != null)
                                .isEqualTo(origin.kind() == Origin.Kind.DERIVED));
    }

    @Test
    void keepsWhatTheUserAskedForAndSaysSo() {
        TrainingOptions asked =
                new TrainingOptions(
                        new TrainingOptions.Adapter(
                                AdapterKind.LORA,
                                4,
                                4.0,
                                0.1,
                                List.of("q_proj"),
                                true,
                                AdapterSpec.Export.MERGED,
                                Quantization.FP4,
                                false,
                                null,
                                null),
                        new TrainingOptions.Rows(128, true, Overflow.DROP, true, 0.1),
                        new TrainingOptions.Optimizer(
                                1e-5,
                                Curve.LINEAR,
                                null,
                                7,
                                0.2,
                                0.0,
                                new TrainingOptions.Adam(0.8, 0.9, 1e-6),
                                null),
                        new TrainingOptions.Cadence(2, 3, 4, 5),
                        new TrainingOptions.Compute(Precision.FP32, 2, null, Recompute.BLOCK));
        ResolvedSpec spec = resolve(spec(Method.SUPERVISED, new Hyperparameters(9, 6, 0.5), asked));
        assertThat(spec.adapter())
                .isEqualTo(
                        new AdapterSpec.Lora(
                                        4,
                                        4,
                                        0.1,
                                        List.of("q_proj"),
                                        true,
                                        AdapterSpec.Export.MERGED)
                                .withFrozen(new FrozenForm(Quantization.FP4, false)));
        assertThat(spec.rows())
                .isEqualTo(new ResolvedSpec.Rows(128, true, Overflow.DROP, true, 0.1, 6, 2));
        assertThat(spec.steps()).isEqualTo(new ResolvedSpec.Steps(9, 5, 5, 2, 3, 4));
        assertThat(spec.optimizer())
                .isEqualTo(
                        new ResolvedSpec.Optimizer(
                                5e-6,
                                0.5,
                                Curve.LINEAR,
                                0,
                                7,
                                0.2,
                                0,
                                OptimizerSpec.adamW(0.8, 0.9, 1e-6)));
        assertThat(spec.precision()).isEqualTo(Precision.FP32);
        assertThat(spec.gradientCheckpointing()).isTrue();
        assertThat(spec.origins())
                .containsEntry("rank", Origin.USER)
                .containsEntry("max_steps", Origin.USER)
                .containsEntry("warmup_steps", Origin.USER)
                .doesNotContainKey("warmup_ratio");
    }

    @ParameterizedTest
    @EnumSource(value = AdapterKind.class, mode = EnumSource.Mode.EXCLUDE, names = "NONE")
    void everyKindOfAdapterIsResolvedAndPlanned(AdapterKind kind) {
        TrainingOptions asked =
                new TrainingOptions(
                        new TrainingOptions.Adapter(
                                kind, null, null, null, null, null, null, null, null, null, null),
                        TrainingOptions.NOTHING.rows(),
                        TrainingOptions.NOTHING.optimizer(),
                        TrainingOptions.NOTHING.cadence(),
                        TrainingOptions.NOTHING.compute());
        ResolvedSpec spec = resolve(spec(Method.SUPERVISED, Hyperparameters.AUTO, asked));

        assertThat(spec.adapter().kind()).isEqualTo(kind);
        List<String> shown = new ArrayList<>(kind.keys());
        boolean codes = kind == AdapterKind.QLORA || kind == AdapterKind.LOFTQ;
        shown.removeIf(key -> !codes && key.contains("quantization"));
        assertThat(spec.flat()).containsKeys(shown.toArray(String[]::new));
        assertThat(spec.origins()).containsKeys(shown.toArray(String[]::new));
        assertThat(spec.adapter().settings().keySet()).containsExactlyInAnyOrderElementsOf(shown);
    }

    private static ResolvedSpec part(AdapterKind kind, TrainingOptions.Part part) {
        TrainingOptions nothing = TrainingOptions.NOTHING;
        TrainingOptions.Adapter open = nothing.adapter();
        TrainingOptions asked =
                new TrainingOptions(
                        new TrainingOptions.Adapter(
                                kind,
                                null,
                                null,
                                null,
                                null,
                                null,
                                null,
                                null,
                                null,
                                open.sizes(),
                                part,
                                open.refinements()),
                        nothing.rows(),
                        nothing.optimizer(),
                        nothing.cadence(),
                        nothing.compute());
        return resolve(spec(Method.SUPERVISED, Hyperparameters.AUTO, asked));
    }

    private static TrainingOptions.Part layers(int count, List<Integer> listed) {
        return new TrainingOptions.Part(
                new TrainingOptions.LayerChoice(count, listed), null, null, null, null);
    }

    @Test
    void layersAreCountedFromEitherEndOrNamed() {
        assertThat(part(AdapterKind.FREEZE, layers(3, List.of())).flat())
                .containsEntry("trainable_layers", List.of(5, 6, 7));
        assertThat(part(AdapterKind.FREEZE, layers(-2, List.of())).flat())
                .containsEntry("trainable_layers", List.of(0, 1));
        assertThat(part(AdapterKind.FREEZE, layers(0, List.of(6, 2))).flat())
                .containsEntry("trainable_layers", List.of(2, 6));
        assertThat(part(AdapterKind.FREEZE, TrainingOptions.Part.NOTHING).flat())
                .containsEntry("trainable_layers", List.of(6, 7));
    }

    @Test
    void newBlocksStandBehindTheirOriginalsAndCostMemory() {
        ResolvedSpec grown = part(AdapterKind.LLAMA_PRO, TrainingOptions.Part.NOTHING);
        assertThat(((AdapterSpec.Part) grown.adapter()).layers()).containsExactly(4, 9);
        assertThat(BlockExpansion.sources(8, List.of(4, 9)))
                .containsExactly(0, 1, 2, 3, 3, 4, 5, 6, 7, 7);
        ResolvedSpec frozen = part(AdapterKind.FREEZE, TrainingOptions.Part.NOTHING);
        MemoryPlan large = MemoryPlan.of(NANO, Resolver.workload(grown, STATS));
        MemoryPlan small = MemoryPlan.of(NANO, Resolver.workload(frozen, STATS));
        assertThat(large.section("gradients")).isEqualTo(small.section("gradients"));
        assertThat(large.section("weights") - small.section("weights"))
                .isEqualTo(2 * 2 * NANO.layerParameters());
        assertThat(large.section("activations")).isGreaterThan(small.section("activations"));
    }

    @Test
    void saysWhatGoesBeyondTheModel() {
        JobSpec beyond =
                spec(
                        Method.SUPERVISED,
                        Hyperparameters.AUTO,
                        new TrainingOptions(
                                new TrainingOptions.Adapter(
                                        AdapterKind.FREEZE,
                                        null,
                                        null,
                                        null,
                                        null,
                                        null,
                                        null,
                                        null,
                                        null,
                                        TrainingOptions.NOTHING.adapter().sizes(),
                                        layers(0, List.of(3, 8)),
                                        TrainingOptions.NOTHING.adapter().refinements()),
                                TrainingOptions.NOTHING.rows(),
                                TrainingOptions.NOTHING.optimizer(),
                                TrainingOptions.NOTHING.cadence(),
                                TrainingOptions.NOTHING.compute()));
        assertThat(ModelFit.problems(beyond, NANO))
                .singleElement()
                .satisfies(problem ->
                        assertThat(problem.text()).contains("[3, 8] goes beyond the 8 layers"));
    }

    @Test
    void qloraMeansNf4WithQuantisedScales() {
        TrainingOptions asked =
                new TrainingOptions(
                        new TrainingOptions.Adapter(
                                AdapterKind.QLORA,
                                null,
                                null,
                                null,
                                null,
                                null,
                                null,
                                null,
                                null,
                                null,
                                null),
                        TrainingOptions.NOTHING.rows(),
                        TrainingOptions.NOTHING.optimizer(),
                        TrainingOptions.NOTHING.cadence(),
                        TrainingOptions.NOTHING.compute());
        ResolvedSpec spec = resolve(spec(Method.SUPERVISED, Hyperparameters.AUTO, asked));
        assertThat(spec.adapter().kind()).isEqualTo(AdapterKind.QLORA);
        assertThat(((AdapterSpec.Lora) spec.adapter()).frozen())
                .isEqualTo(new FrozenForm(Quantization.NF4, true));
        assertThat(spec.origins())
                .containsEntry("quantization", Origin.derived("adapter qlora"))
                .containsEntry("double_quantization", Origin.DEFAULT);
    }

    @Test
    void pretrainingChangesAllWeightsOnJoinedDocuments() {
        ResolvedSpec spec =
                resolve(spec(Method.PRETRAIN, Hyperparameters.AUTO, TrainingOptions.NOTHING));
        assertThat(spec.adapter()).isEqualTo(new AdapterSpec.None());
        assertThat(spec.rows().packing()).isTrue();
        assertThat(spec.rows().trainOnPrompt()).isTrue();
        assertThat(spec.rows().maxSeqLen()).isEqualTo(1024);
        assertThat(spec.steps().nEpochs()).isEqualTo(1);
        assertThat(spec.steps().planned()).isEqualTo(Math.ceilDiv(Math.ceilDiv(200_000, 1024), 8));
        assertThat(spec.optimizer().weightDecay()).isEqualTo(0.1);
        assertThat(spec.optimizer().form().number("beta2")).isEqualTo(0.95);
    }

    @Test
    void combinesBatchMicroBatchAndAccumulation() {
        Hyperparameters twelve = new Hyperparameters(null, 12, null);
        assertThat(resolve(spec(Method.SUPERVISED, twelve, compute(null, 5))).rows().microBatch())
                .isEqualTo(3);
        assertThat(
                        resolve(spec(Method.SUPERVISED, Hyperparameters.AUTO, compute(6, 2)))
                                .rows()
                                .batchSize())
                .isEqualTo(12);
        ResolvedSpec micro = resolve(spec(Method.SUPERVISED, twelve, compute(5, null)));
        assertThat(micro.rows().accumulation()).isEqualTo(3);
        assertThat(
                        resolve(spec(Method.SUPERVISED, Hyperparameters.AUTO, compute(64, null)))
                                .rows()
                                .batchSize())
                .isEqualTo(64);
    }

    @Test
    void makesBatchesSmallerUntilTheyFit() {
        JobSpec spec = spec(Method.SUPERVISED, Hyperparameters.AUTO, TrainingOptions.NOTHING);
        ResolvedSpec tight = Resolver.resolve(spec, NANO, STATS, 330L << 20);
        assertThat(tight.rows().microBatch()).isLessThan(8);
        assertThat(MemoryPlan.of(NANO, Resolver.workload(tight, STATS)).fits(330L << 20)).isTrue();
        ResolvedSpec tiny = Resolver.resolve(spec, NANO, STATS, 1);
        assertThat(tiny.rows().microBatch()).isEqualTo(1);
        assertThat(tiny.gradientCheckpointing()).isTrue();
    }

    @Test
    void boundsTheTokensOfABatch() {
        var longRows = new DatasetStats(1000, 900_000, 1, 1024, 900, 1000, 0, 0);
        ResolvedSpec spec =
                Resolver.resolve(
                        spec(
                                Method.SUPERVISED,
                                new Hyperparameters(null, 64, null),
                                TrainingOptions.NOTHING),
                        NANO,
                        longRows,
                        PLENTY);
        assertThat((long) spec.rows().microBatch() * 1024).isLessThanOrEqualTo(8192);
        assertThat(spec.rows().maxSeqLen()).isEqualTo(1024);
    }

    @Test
    void smallFilesAreReadMoreOften() {
        JobSpec spec = spec(Method.SUPERVISED, Hyperparameters.AUTO, TrainingOptions.NOTHING);
        assertThat(epochs(spec, 10)).isEqualTo(10);
        assertThat(epochs(spec, 60)).isEqualTo(5);
        assertThat(epochs(spec, 5_000)).isEqualTo(3);
        assertThat(epochs(spec, 5_001)).isEqualTo(2);
        assertThat(epochs(spec, 50_001)).isEqualTo(1);
        assertThat(epochs(spec, 0)).isEqualTo(10);
    }

    private static int epochs(JobSpec spec, long rows) {
        var stats = new DatasetStats(rows, rows * 10, 1, 10, 10, 10, 0, 0);
        return Resolver.resolve(spec, NANO, stats, PLENTY).steps().nEpochs();
    }

    @Test
    void countsOnlyRowsThatAreTrained() {
        TrainingOptions held =
                with(
                        new TrainingOptions.Rows(null, null, Overflow.DROP, null, 0.1),
                        TrainingOptions.NOTHING.compute());
        ResolvedSpec spec = resolve(spec(Method.SUPERVISED, new Hyperparameters(1, 1, null), held));
        assertThat(spec.steps().planned()).isEqualTo(1000 - 5 - 100);
        assertThat(spec.steps().evalSteps()).isEqualTo(Math.ceilDiv(895, 5));
    }

    @Test
    void smallerModelsLearnFaster() {
        ModelFacts large =
                new ModelFacts(
                        "LlamaForCausalLM",
                        8,
                        256,
                        8,
                        4,
                        32,
                        704,
                        8192,
                        true,
                        ModelFacts.Extras.NONE,
                        1_000_000_000,
                        1024);
        JobSpec spec = spec(Method.SUPERVISED, Hyperparameters.AUTO, TrainingOptions.NOTHING);
        assertThat(Resolver.resolve(spec, large, STATS, PLENTY).optimizer().learningRate())
                .isEqualTo(2e-4);
        assertThat(auto().optimizer().learningRate()).isGreaterThan(2e-4);
    }

    @Test
    void warmUpIsARoundedUpShareOrAFixedCount() {
        ResolvedSpec.Optimizer share =
                new ResolvedSpec.Optimizer(
                        1, 1, Curve.COSINE, 0.03, null, 0, 1, OptimizerSpec.ADAMW);
        assertThat(share.warmupOf(101)).isEqualTo(4);
        ResolvedSpec.Optimizer fixed =
                new ResolvedSpec.Optimizer(1, 1, Curve.COSINE, 0, 20, 0, 1, OptimizerSpec.ADAMW);
        assertThat(fixed.warmupOf(101)).isEqualTo(20);
        assertThat(fixed.warmupOf(10)).isEqualTo(10);
    }

    @Test
    void isTheSameEachTimeAndSurvivesJson() throws Exception {
        assertThat(auto()).isEqualTo(auto());
        String json = TestingJson.MAPPER.writeValueAsString(auto());
        assertThat(TestingJson.MAPPER.readValue(json, ResolvedSpec.class)).isEqualTo(auto());
    }

    @Test
    void theAdapterKnowsItsScale() {
        assertThat(
                        new AdapterSpec.Lora(
                                        16, 32, 0, List.of(), false, AdapterSpec.Export.ADAPTER)
                                .scale())
                .isEqualTo(2);
        assertThat(
                        new AdapterSpec.Lora(16, 32, 0, List.of(), true, AdapterSpec.Export.ADAPTER)
                                .scale())
                .isEqualTo(8);
        assertThat(Aliases.find("lr")).contains("learning_rate");
        assertThat(Aliases.find("rank")).isEmpty();
    }
}
