package dev.tunesmith.contracts.job;

import static dev.tunesmith.contracts.job.Nano.STATS;
import static org.assertj.core.api.Assertions.assertThat;

import dev.tunesmith.contracts.fit.Depth;
import dev.tunesmith.contracts.fit.MemoryPlan;
import dev.tunesmith.contracts.fit.ModelFacts;
import dev.tunesmith.contracts.fit.Workload;
import dev.tunesmith.contracts.problem.Problem;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Keys of Mixture-of-Depths.
class DepthRulesTest {
    private static final ModelFacts NANO =
            new ModelFacts(
                    "LlamaForCausalLM",
                    4,
                    64,
                    4,
                    2,
                    16,
                    192,
                    2048,
                    true,
                    ModelFacts.Extras.NONE,
                    331_328,
                    512);

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "'mixture_of_depths':'on' | mixture_of_depths | expected one of off, convert, load",
                "'depth_every':3 | depth_every | needs mixture_of_depths convert",
                "'mixture_of_depths':'load','depth_capacity':0.5 | depth_capacity | brings its own",
                "'depth_loss_weight':0.5 | depth_loss_weight | needs mixture_of_depths convert or load",
                "'mixture_of_depths':'convert' | mixture_of_depths | needs adapter none",
                "'mixture_of_depths':'convert','adapter':'lora' | mixture_of_depths | needs adapter none",
                "'mixture_of_depths':'load','adapter':'prompt_tuning' | mixture_of_depths | take no adapter prompt_tuning",
                "'mixture_of_depths':'load','adapter':'llama_pro' | mixture_of_depths | take no adapter llama_pro",
                "'mixture_of_depths':'load','loss_type':'asft' | mixture_of_depths | compares with the model",
                "'mixture_of_depths':'load','shifted_attention':true | shifted_attention | cannot be combined",
                "'mixture_of_depths':'convert','adapter':'none','depth_capacity':0 | depth_capacity | expected a number",
            })
    void refusesWhatMakesNoSense(String keys, String key, String message) {
        Problem problem = Bodies.problemOfTraining(keys.replace('\'', '"'));
        assertThat(problem.param()).isEqualTo("x_training." + key);
        assertThat(problem.message()).contains(message);
    }

    @ParameterizedTest
    @ValueSource(strings = {"dpo", "orpo", "reward_model"})
    void refusesMethodsThatCompare(String method) {
        Problem problem =
                Bodies.problem(
                        "\"method\":{\"type\":\"%s\"},\"x_training\":{\"mixture_of_depths\":\"load\"}"
                                .formatted(method));
        assertThat(problem.message()).contains("supervised or pretrain");
    }

    @Test
    void everyValueHasAnOrigin() {
        ResolvedSpec spec =
                resolved(
                        "\"adapter\":\"none\",\"mixture_of_depths\":\"convert\",\"depth_every\":3");
        assertThat(spec.rows().depth()).isEqualTo(new Depth(Depth.Start.CONVERT, 3, 0.125, 0.01));
        assertThat(spec.flat())
                .containsEntry("mixture_of_depths", "convert")
                .containsEntry("depth_every", 3);
        assertThat(spec.origins().get("depth_every")).isEqualTo(Origin.USER);
        assertThat(spec.origins().get("depth_capacity")).isEqualTo(Origin.DEFAULT);
        assertThat(resolved("").flat()).containsEntry("mixture_of_depths", "off");
    }

    /// What passes few layers is kept in few; what a model brings along may be all of it.
    @Test
    void aPlanCountsTheTokensThatPass() {
        Workload dense = Resolver.workload(resolved("\"adapter\":\"none\""), STATS);
        long all = activations(dense);
        assertThat(activations(dense.withDepth(depth("convert")))).isBetween(all / 2, 3 * all / 4);
        assertThat(activations(dense.withDepth(depth("load")))).isGreaterThan(all);
        assertThat(MemoryPlan.of(NANO, dense.withDepth(depth("convert"))).section("weights"))
                .isEqualTo(MemoryPlan.of(NANO, dense).section("weights") + 2 * 2 * 64);
    }

    private static Depth depth(String start) {
        return Depth.of(Map.of("mixture_of_depths", start));
    }

    private static long activations(Workload work) {
        return MemoryPlan.of(NANO, work).section("activations");
    }

    private static ResolvedSpec resolved(String keys) {
        JobSpec spec = Bodies.spec("\"x_training\":{" + keys + "}");
        return Resolver.resolve(spec, NANO, STATS, 64L << 30);
    }
}
