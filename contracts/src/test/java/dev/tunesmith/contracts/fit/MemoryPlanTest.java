package dev.tunesmith.contracts.fit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tunesmith.contracts.method.AdapterKind;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class MemoryPlanTest {
    private static final Map<String, Object> SMOL =
            Map.ofEntries(
                    Map.entry("architectures", List.of("LlamaForCausalLM")),
                    Map.entry("num_hidden_layers", 30),
                    Map.entry("hidden_size", 576),
                    Map.entry("num_attention_heads", 9),
                    Map.entry("num_key_value_heads", 3),
                    Map.entry("intermediate_size", 1536),
                    Map.entry("vocab_size", 49152),
                    Map.entry("max_position_embeddings", 2048),
                    Map.entry("tie_word_embeddings", true));
    private static final ModelFacts MODEL = ModelFacts.fromConfig(SMOL);
    private static final Workload FULL = new Workload(0, List.of(), true, 4, 512, Recompute.NONE);
    private static final Workload LORA =
            new Workload(16, List.of("all-linear"), true, 4, 512, Recompute.NONE);

    private static Map<String, Object> changed(String key, Object value) {
        var config = new HashMap<>(SMOL);
        config.put(key, value);
        return config;
    }

    @Test
    void countsTheParametersOfAKnownModel() {
        assertThat(MODEL.parameters()).isEqualTo(134_515_008L);
        assertThat(MODEL.headWidth()).isEqualTo(64);
        assertThat(ModelFacts.fromConfig(changed("tie_word_embeddings", false)).parameters())
                .isEqualTo(134_515_008L + 49152L * 576);
    }

    @Test
    void countsTheBiasesOfQwen2() {
        ModelFacts qwen =
                ModelFacts.fromConfig(changed("architectures", List.of("Qwen2ForCausalLM")));
        assertThat(qwen.parameters() - MODEL.parameters()).isEqualTo(30 * (576 + 2 * 192));
        assertThat(qwen.attentionBias()).isTrue();
    }

    @Test
    void readsTheNamesOfGpt2AndCountsAllExperts() {
        ModelFacts gpt2 =
                ModelFacts.fromConfig(
                        Map.of(
                                "architectures", List.of("GPT2LMHeadModel"),
                                "model_type", "gpt2",
                                "n_layer", 12,
                                "n_embd", 768,
                                "n_head", 12,
                                "n_positions", 1024,
                                "vocab_size", 50257));
        assertThat(gpt2.mlpWidth()).isEqualTo(4 * 768);
        assertThat(gpt2.contextLength()).isEqualTo(1024);
        assertThat(gpt2.tied()).isTrue();
        assertThat(ModelFacts.fromConfig(changed("num_local_experts", 8)).mlpWidth())
                .isEqualTo(8 * 1536);
    }

    @Test
    void readsAnExplicitHeadWidthAndDefaults() {
        assertThat(ModelFacts.fromConfig(changed("head_dim", 128)).headWidth()).isEqualTo(128);
        var bare = new HashMap<>(SMOL);
        bare.remove("num_key_value_heads");
        bare.remove("max_position_embeddings");
        bare.remove("tie_word_embeddings");
        ModelFacts facts = ModelFacts.fromConfig(bare);
        assertThat(facts.kvHeads()).isEqualTo(9);
        assertThat(facts.contextLength()).isEqualTo(2048);
        assertThat(facts.tied()).isFalse();
    }

    @Test
    void namesEverythingThatIsWrongInAConfig() {
        assertThatThrownBy(() -> ModelFacts.fromConfig(Map.of("hidden_size", -1)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("architectures")
                .hasMessageContaining("hidden_size must be a positive whole number, found -1")
                .hasMessageContaining("num_hidden_layers")
                .hasMessageContaining("vocab_size")
                .hasMessageContaining("intermediate_size");
        assertThatThrownBy(() -> ModelFacts.fromConfig(changed("num_key_value_heads", 2)))
                .hasMessageContaining("9 is no multiple of num_key_value_heads 2");
        assertThatThrownBy(() -> ModelFacts.fromConfig(changed("hidden_size", 1.5)))
                .hasMessageContaining("1.5");
    }

    @Test
    void countsTheAdapterOfPeft() {
        long ofLayer = 576 + 576 + 2 * (576 + 192) + 576 + 576 + 3 * (576 + 1536);
        assertThat(MODEL.loraParameters(16, List.of("all-linear"))).isEqualTo(16 * 30 * ofLayer);
        assertThat(MODEL.loraParameters(8, List.of("q_proj", "v_proj")))
                .isEqualTo(8L * 30 * (576 + 576 + 576 + 192));
    }

    @ParameterizedTest
    @CsvSource({
        "DORA,16",
        "ADALORA,16",
        "IA3,1",
        "OFT,32",
        "BOFT,8",
        "PROMPT_TUNING,20",
        "PREFIX_TUNING,20"
    })
    void everyKindOfAdapterCostsMemory(AdapterKind kind, int size) {
        Workload work =
                new Workload(size, List.of("all-linear"), true, 4, 512, Recompute.NONE)
                        .withKind(kind);
        MemoryPlan plan = MemoryPlan.of(MODEL, work);
        assertThat(plan.section("gradients")).isPositive();
        assertThat(plan.total()).isLessThan(MemoryPlan.of(MODEL, FULL).total());
        assertThat(plan.section("optimizer")).isEqualTo(2 * plan.section("gradients"));
    }

    @Test
    void anAdapterThatBeginsWithTheWeightsHoldsTheirRest() {
        Workload work = new Workload(16, List.of("q_proj"), true, 4, 512, Recompute.NONE);
        long plain = MemoryPlan.of(MODEL, work).section("weights");
        long split = MemoryPlan.of(MODEL, work.withKind(AdapterKind.PISSA)).section("weights");
        assertThat(split - plain).isEqualTo(2L * 30 * 576 * 576);
    }

    @Test
    void fullTrainingKeepsGradientsMomentsAndMasters() {
        MemoryPlan plan = MemoryPlan.of(MODEL, FULL);
        long p = MODEL.parameters();
        assertThat(plan.section("weights")).isEqualTo(2 * p);
        assertThat(plan.section("gradients")).isEqualTo(4 * p);
        assertThat(plan.section("optimizer")).isEqualTo(12 * p);
        MemoryPlan fp32 =
                MemoryPlan.of(MODEL, new Workload(0, List.of(), false, 4, 512, Recompute.NONE));
        assertThat(fp32.section("weights")).isEqualTo(4 * p);
        assertThat(fp32.section("optimizer")).isEqualTo(8 * p);
    }

    @Test
    void anAdapterTrainsOnlyItsOwnParameters() {
        MemoryPlan plan = MemoryPlan.of(MODEL, LORA);
        long trained = MODEL.loraParameters(16, List.of("all-linear"));
        assertThat(plan.section("weights")).isEqualTo(2 * MODEL.parameters() + 6 * trained);
        assertThat(plan.section("gradients")).isEqualTo(4 * trained);
        assertThat(plan.section("optimizer")).isEqualTo(8 * trained);
    }

    @Test
    void quantisedLayersTakeTheirBitsAndAPlaceToDecodeOne() {
        Workload quantised = LORA.withFrozenBits(4.127);
        MemoryPlan plan = MemoryPlan.of(MODEL, quantised);
        long linear = 30L * (2 * 576 * 576 + 2 * 576 * 192 + 3 * 576 * 1536);
        long tables = 1216 * 30 * 7;
        long saved = 2 * linear - (long) (linear * 4.127 / 8) - tables;
        assertThat(MemoryPlan.of(MODEL, LORA).section("weights") - plan.section("weights"))
                .isEqualTo(saved);
        assertThat(plan.section("workspace") - MemoryPlan.of(MODEL, LORA).section("workspace"))
                .isBetween(0L, 2L * 576 * 1536);
    }

    @Test
    void activationsGrowWithTokensAndShrinkWithCheckpointing() {
        long plain = MemoryPlan.of(MODEL, LORA).section("activations");
        long twice = MemoryPlan.of(MODEL, LORA.withMicroBatch(8)).section("activations");
        long again =
                MemoryPlan.of(MODEL, LORA.withRecompute(Recompute.BLOCK)).section("activations");
        assertThat(twice).isEqualTo(2 * plain);
        assertThat(again).isLessThan(plain / 5);
        long inputsOfLayers = 2048L * 30 * 576 * 2;
        assertThat(again).isGreaterThan(inputsOfLayers);
    }

    @Test
    void theTotalIsTheSumAndDecides() {
        MemoryPlan plan = MemoryPlan.of(MODEL, LORA);
        assertThat(plan.total())
                .isEqualTo(plan.sections().stream().mapToLong(MemoryPlan.Section::bytes).sum());
        assertThat(plan.fits(plan.total())).isTrue();
        assertThat(plan.fits(plan.total() - 1)).isFalse();
        assertThat(plan.sections())
                .extracting(MemoryPlan.Section::name)
                .containsExactly(
                        "weights",
                        "gradients",
                        "optimizer",
                        "activations",
                        "workspace",
                        "fragmentation",
                        "fixed");
        assertThat(plan.sections()).allMatch(section -> !section.formula().isEmpty());
    }

    /// Where a step holds little, copies of the matrices and the cache of keys and values are what
    /// drawing takes; where it holds more, they fit into its place.
    @Test
    void drawingTakesWhatTheStepDoesNotHold() {
        Workload small = LORA.withMicroBatch(1).withRowTokens(128);
        MemoryPlan plain = MemoryPlan.of(MODEL, small);
        MemoryPlan drawn = MemoryPlan.of(MODEL, small.withDrawn(64));
        long products = small.threads() * ((1L << 20) + 32 * 1600 * 2 + 352 * 10 * 32 * 4);
        long lasting = products + 4L * 512 * MODEL.headWidth();
        long step = plain.section("activations") + plain.section("workspace") - lasting;
        long matrices = MODEL.linearParameters() + (long) MODEL.vocabulary() * MODEL.width();
        long cache = 2L * MODEL.layers() * MODEL.keyWidth() * 128 * 64;
        assertThat(drawn.section("drawing")).isEqualTo(2 * (matrices + cache) - step).isPositive();
        assertThat(drawn.total()).isGreaterThan(plain.total());
        MemoryPlan large = MemoryPlan.of(MODEL, LORA.withMicroBatch(4096).withDrawn(1));
        assertThat(large.section("drawing")).isZero();
    }

    @Test
    void advisesTheCheapestChangeFirst() {
        MemoryPlan plan = MemoryPlan.of(MODEL, LORA);
        MemoryPlan.Alternative smaller = plan.advice(MODEL, plan.total() - 1).orElseThrow();
        assertThat(smaller.changes()).containsExactly("micro_batch 2");
        assertThat(smaller.bytes()).isLessThan(plan.total());
        long one = MemoryPlan.of(MODEL, LORA.withMicroBatch(1)).total();
        assertThat(plan.advice(MODEL, one - 1).orElseThrow().changes())
                .containsExactly("micro_batch 1", "gradient_checkpointing true");
    }

    @Test
    void advisesAnAdapterAndShorterRowsLast() {
        MemoryPlan plan = MemoryPlan.of(MODEL, FULL);
        Workload small = FULL.withMicroBatch(1).withRecompute(Recompute.BLOCK);
        long least = MemoryPlan.of(MODEL, small).total();
        MemoryPlan.Alternative adapter = plan.advice(MODEL, least - 1).orElseThrow();
        assertThat(adapter.changes())
                .containsExactly(
                        "micro_batch 1",
                        "gradient_checkpointing true",
                        "adapter lora with rank 16");
        assertThat(adapter.workload().lora()).isTrue();
        long lora = MemoryPlan.of(MODEL, small.withLora(16)).total();
        assertThat(plan.advice(MODEL, lora - 1).orElseThrow().changes())
                .contains("adapter qlora")
                .doesNotContain("adapter lora with rank 16");
        Workload codes = small.withLora(16).withFrozenBits(4.5);
        long qlora = MemoryPlan.of(MODEL, codes).total();
        assertThat(plan.advice(MODEL, qlora - (8L << 20)).orElseThrow().changes())
                .endsWith("max_seq_len 256");
        assertThat(plan.advice(MODEL, 1 << 20)).isEmpty();
    }

    @Test
    void refusesWithTheNumbersAndTheChange() {
        MemoryPlan plan = MemoryPlan.of(MODEL, FULL);
        assertThat(plan.refusal(MODEL, 2L << 30))
                .matches(
                        "needs \\d\\.\\d GiB of memory, this device has 2\\.0 GiB \\(.*optimizer.*\\); "
                                + "fits with .*adapter lora with rank 16.* \\(\\d\\.\\d GiB\\)");
        assertThat(plan.refusal(MODEL, 1 << 20)).endsWith("choose a smaller model");
    }
}
