package dev.tunesmith.contracts.job;

import static dev.tunesmith.contracts.job.Nano.NANO;
import static org.assertj.core.api.Assertions.assertThat;

import dev.tunesmith.contracts.TestingJson;
import dev.tunesmith.contracts.care.Care;
import dev.tunesmith.contracts.care.Groups;
import dev.tunesmith.contracts.care.Preset;
import dev.tunesmith.contracts.data.DatasetStats;
import dev.tunesmith.contracts.fit.MemoryPlan;
import dev.tunesmith.contracts.fit.ModelFacts;
import dev.tunesmith.contracts.method.AdapterKind;
import dev.tunesmith.contracts.optim.OptimizerKind;
import dev.tunesmith.contracts.problem.Problem;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/// Guard, average, choice of states, groups and presets, from the create body to the resolved spec.
final class CareRulesTest {
    private static final ModelFacts LARGE =
            new ModelFacts(
                    "LlamaForCausalLM",
                    32,
                    4096,
                    32,
                    8,
                    128,
                    14_336,
                    128_256,
                    false,
                    ModelFacts.Extras.NONE,
                    8_030_000_000L,
                    8192);
    private static final DatasetStats STATS =
            new DatasetStats(4000, 800_000, 400_000, 900, 180, 280, 5, 0);
    private static final long PLENTY = 64L << 30;

    private static ResolvedSpec resolved(String training) {
        return resolved(training, NANO, PLENTY);
    }

    private static ResolvedSpec resolved(String training, ModelFacts model, long memory) {
        JobSpec spec = Bodies.spec("\"x_training\":{" + training + "}");
        return Resolver.resolve(spec, model, STATS, memory);
    }

    private static Origin origin(ResolvedSpec spec, String key) {
        return Objects.requireNonNull(spec.origins().get(key), key);
    }

    @Test
    void readsEverySettingAndShowsItsOrigin() throws Exception {
        ResolvedSpec spec =
                resolved(
                        """
                        "val_size":0.1,"loss_guard":"lower","guard_threshold":6,"guard_window":20,
                        "guard_factor":0.5,"guard_steps":3,"ema_decay":0.99,"ema_start":5,
                        "ema_export":false,"metric_for_best":"accuracy","load_best_at_end":true,
                        "early_stopping_patience":2,"early_stopping_min_delta":0.01,"keep_last":3,
                        "keep_best":1,"decay_norms":true,"decay_embeddings":false,
                        "layer_lr_decay":0.9,"max_grad_value":0.5,"optimizer_states":"disk"
                        """);
        assertThat(spec.steps().care())
                .isEqualTo(
                        new Care(
                                new Care.Guard(Care.Policy.LOWER, 6, 20, 0.5, 3),
                                new Care.Average(0.99, 5, true, false),
                                new Care.Choice("accuracy", true, 2, 0.01, 3, 1)));
        assertThat(spec.optimizer().groups())
                .isEqualTo(new Groups(true, false, false, 0.9, 0.5, Groups.States.DISK));
        assertThat(spec.origins().get("ema_decay")).isEqualTo(Origin.USER);
        assertThat(spec.origins().get("decay_biases")).isEqualTo(Origin.DEFAULT);
        assertThat(spec.flat()).containsEntry("keep_last", 3).containsEntry("loss_guard", "lower");
        String json = TestingJson.MAPPER.writeValueAsString(spec);
        assertThat(TestingJson.MAPPER.readValue(json, ResolvedSpec.class)).isEqualTo(spec);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "'loss_guard':'ignore' | loss_guard | expected one of stop, skip, lower",
                "'ema_decay':1 | ema_decay | expected a number",
                "'ema_start':5 | ema_start | needs an ema_decay above 0",
                "'guard_steps':5 | guard_steps | needs loss_guard lower",
                "'guard_window':5 | guard_window | needs a guard_threshold above 0",
                "'ema_decay':0.9,'optimizer':'schedule_free' | ema_decay | averages the weights",
                "'early_stopping_min_delta':0.1 | early_stopping_min_delta | needs early_stopping",
                "'load_best_at_end':true | load_best_at_end | give validation_file or val_size",
                "'early_stopping_patience':1 | early_stopping_patience | give validation_file",
                "'max_grad_value':-1 | max_grad_value | expected a number",
                "'layer_lr_decay':1.5 | layer_lr_decay | expected a number",
                "'optimizer':'badam','adapter':'none','layer_lr_decay':0.5 | optimizer | leave out layer_lr_decay",
                "'preset':'best' | preset | expected one of quality, balanced, fast, smallest_memory",
                "'optimizer_states':'tape' | optimizer_states | expected one of memory, disk",
            })
    void refusesWhatMakesNoSense(String keys, String key, String message) {
        Problem problem = Bodies.problemOfTraining(keys.replace('\'', '"'));
        assertThat(problem.param()).isEqualTo("x_training." + key);
        assertThat(problem.message()).contains(message);
    }

    @ParameterizedTest
    @EnumSource(Preset.class)
    void aPresetSetsWhatWasLeftOpenAndSaysWhy(Preset preset) {
        ResolvedSpec spec = resolved("\"preset\":\"%s\"".formatted(preset.wire()));
        assertThat(spec.origins().values())
                .anySatisfy(origin -> {
                    assertThat(origin.kind()).isEqualTo(Origin.Kind.PRESET);
                    assertThat(origin.reason()).isNotBlank();
                });
    }

    @Test
    void aPresetGivesWayToTheUser() {
        ResolvedSpec spec =
                resolved("\"preset\":\"smallest_memory\",\"adapter\":\"lora\",\"rank\":4");
        assertThat(spec.adapter().kind()).isEqualTo(AdapterKind.LORA);
        assertThat(spec.flat()).containsEntry("rank", 4).containsEntry("micro_batch", 1);
        assertThat(spec.origins().get("rank")).isEqualTo(Origin.USER);
        assertThat(origin(spec, "micro_batch").kind()).isEqualTo(Origin.Kind.PRESET);
    }

    @Test
    void presetsDifferInWhatTheyAreNamedAfter() {
        ResolvedSpec usual = resolved("");
        ResolvedSpec quality = resolved("\"preset\":\"quality\"");
        ResolvedSpec fast = resolved("\"preset\":\"fast\"");
        ResolvedSpec small = resolved("\"preset\":\"smallest_memory\"");
        assertThat(quality.flat())
                .containsEntry("rank", 32)
                .containsEntry("val_size", 0.05)
                .containsEntry("load_best_at_end", true);
        assertThat(fast.steps().planned()).isLessThan(usual.steps().planned());
        assertThat(fast.rows().maxSeqLen()).isLessThan(usual.rows().maxSeqLen());
        assertThat(small.adapter().kind()).isEqualTo(AdapterKind.QLORA);
        assertThat(small.optimizer().form().kind()).isEqualTo(OptimizerKind.ADAMW_8BIT);
        assertThat(bytes(small)).isLessThan(bytes(fast)).isLessThan(bytes(usual));
    }

    @Test
    void theSmallestWholeModelHasNoOptimizerState() {
        ResolvedSpec spec = resolved("\"preset\":\"smallest_memory\",\"adapter\":\"none\"");
        assertThat(spec.optimizer().form().kind()).isEqualTo(OptimizerKind.ADALOMO);
        assertThat(spec.gradientCheckpointing()).isTrue();
    }

    @Test
    void automaticValuesFollowModelAndData() {
        ResolvedSpec spec =
                resolved("\"rank\":\"auto\",\"adapter\":\"auto\",\"micro_batch\":\"auto\"");
        assertThat(spec.flat()).containsEntry("rank", 16).containsEntry("adapter", "lora");
        assertThat(origin(spec, "rank").reason()).contains("400000 tokens");
        assertThat(origin(spec, "micro_batch").reason()).contains("that fits").contains("GiB");
        ResolvedSpec large = resolved("\"adapter\":\"auto\"", LARGE, 14L << 30);
        assertThat(large.adapter().kind()).isEqualTo(AdapterKind.QLORA);
        assertThat(origin(large, "adapter").reason()).contains("does not fit");
        assertThat(MemoryPlan.of(LARGE, Resolver.workload(large, STATS)).fits(14L << 30)).isTrue();
    }

    @Test
    void thePlanCountsWhatIsKept() {
        ResolvedSpec plain = resolved("\"adapter\":\"none\"");
        long average = bytes(resolved("\"adapter\":\"none\",\"ema_decay\":0.9"));
        long best =
                bytes(resolved("\"adapter\":\"none\",\"val_size\":0.1,\"load_best_at_end\":true"));
        long onDisk = bytes(resolved("\"adapter\":\"none\",\"optimizer_states\":\"disk\""));
        long weights = NANO.parameters();
        assertThat(average - bytes(plain)).isBetween(4 * weights, 5 * weights);
        assertThat(best - bytes(plain)).isBetween(2 * weights, 3 * weights);
        assertThat(bytes(plain) - onDisk).isBetween(7 * weights, 9 * weights);
    }

    @Test
    void changingLayersDuringTheBackwardPassNeedsTheGradientsOfOne() {
        ResolvedSpec atOnce =
                resolved("\"adapter\":\"none\",\"optimizer\":\"lomo\"", LARGE, 1L << 40);
        ResolvedSpec cut =
                resolved(
                        "\"adapter\":\"none\",\"optimizer\":\"lomo\",\"gradient_accumulation_steps\":4",
                        LARGE,
                        1L << 40);
        assertThat(gradients(cut)).isEqualTo(4 * LARGE.parameters());
        if (atOnce.rows().accumulation() == 1) {
            assertThat(gradients(atOnce)).isLessThan(LARGE.parameters());
        }
        assertThat(
                        gradients(
                                resolved(
                                        "\"adapter\":\"none\",\"optimizer\":\"lomo\",\"micro_batch\":1,\"gradient_accumulation_steps\":1",
                                        LARGE,
                                        1L << 40)))
                .isLessThan(LARGE.parameters());
    }

    private static long gradients(ResolvedSpec spec) {
        return MemoryPlan.of(LARGE, Resolver.workload(spec, STATS)).section("gradients");
    }

    private static long bytes(ResolvedSpec spec) {
        return MemoryPlan.of(NANO, Resolver.workload(spec, STATS)).total();
    }
}
