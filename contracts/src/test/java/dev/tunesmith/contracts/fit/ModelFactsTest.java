package dev.tunesmith.contracts.fit;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class ModelFactsTest {

    @Test
    void knowsTheNamesOfEveryFamily() {
        ModelFacts chatglm =
                facts(
                        "chatglm",
                        Map.of(
                                "num_layers", 4,
                                "hidden_size", 64,
                                "num_attention_heads", 4,
                                "multi_query_group_num", 2,
                                "kv_channels", 16,
                                "ffn_hidden_size", 96,
                                "padded_vocab_size", 1000,
                                "seq_length", 512));

        assertThat(chatglm.layers()).isEqualTo(4);
        assertThat(chatglm.kvHeads()).isEqualTo(2);
        assertThat(chatglm.mlpWidth()).isEqualTo(96);
        assertThat(chatglm.vocabulary()).isEqualTo(1000);
        assertThat(chatglm.contextLength()).isEqualTo(512);
    }

    @Test
    void theMlpOfBloomIsFourTimesAsWideAsTheModel() {
        ModelFacts bloom =
                facts(
                        "bloom",
                        Map.of("n_layer", 2, "n_embed", 64, "n_head", 4, "vocab_size", 1000));

        assertThat(bloom.mlpWidth()).isEqualTo(256);
        assertThat(bloom.tied()).isTrue();
    }

    @Test
    void latentHeadsAndAllExpertsCount() {
        Map<String, Object> sizes = new HashMap<>(llama());
        sizes.putAll(
                Map.of(
                        "kv_lora_rank", 16,
                        "qk_nope_head_dim", 10,
                        "qk_rope_head_dim", 6,
                        "n_routed_experts", 8,
                        "n_shared_experts", 2,
                        "moe_intermediate_size", 12));
        ModelFacts deepseek = facts("deepseek_v3", sizes);

        assertThat(deepseek.headWidth()).isEqualTo(16);
        assertThat(deepseek.mlpWidth()).isEqualTo(10 * 12);
    }

    /// ERNIE has names of its own, Hunyuan says a number for every layer.
    @Test
    void expertsOfOtherNamesCount() {
        ModelFacts ernie =
                ModelFacts.fromConfig(
                        mixture(
                                Map.of(
                                        "moe_num_experts", 8,
                                        "moe_intermediate_size", 16,
                                        "moe_num_shared_experts", 2)));
        ModelFacts hunyuan =
                ModelFacts.fromConfig(
                        mixture(
                                Map.of(
                                        "num_experts", 8,
                                        "moe_intermediate_size", List.of(16, 16),
                                        "num_shared_expert", List.of(2, 2))));
        assertThat(ernie.mlpWidth()).isEqualTo(10 * 16);
        assertThat(hunyuan.mlpWidth()).isEqualTo(10 * 16);
    }

    private static Map<String, Object> mixture(Map<String, Object> experts) {
        Map<String, Object> config = new HashMap<>(experts);
        config.putAll(
                Map.of(
                        "architectures", List.of("SomeForCausalLM"),
                        "num_hidden_layers", 2,
                        "hidden_size", 32,
                        "num_attention_heads", 4,
                        "intermediate_size", 64,
                        "vocab_size", 100));
        return config;
    }

    @Test
    void ofAVisionLanguageModelTheTextModelAndTheTowerCount() {
        ModelFacts text = facts("llama", llama());
        ModelFacts whole =
                facts(
                        "llava",
                        Map.of(
                                "text_config",
                                llama(),
                                "vision_config",
                                Map.of(
                                        "num_hidden_layers", 3,
                                        "hidden_size", 24,
                                        "intermediate_size", 40)));

        assertThat(whole.width()).isEqualTo(text.width());
        assertThat(whole.parameters())
                .isEqualTo(text.parameters() + 3 * (4 * 24 * 24 + 3 * 24 * 40));
    }

    private static Map<String, Object> llama() {
        return Map.of(
                "num_hidden_layers", 2,
                "hidden_size", 64,
                "num_attention_heads", 4,
                "intermediate_size", 96,
                "vocab_size", 1000);
    }

    private static ModelFacts facts(String family, Map<String, Object> sizes) {
        Map<String, Object> config = new HashMap<>(sizes);
        config.put("model_type", family);
        config.put("architectures", List.of("ForCausalLM"));
        return ModelFacts.fromConfig(config);
    }
}
