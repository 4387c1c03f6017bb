package dev.tunesmith.contracts.fit;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;

class FamilyDefaultsTest {

    @Test
    void everyFamilyHasDefaultsOfItsOwn() {
        assertThat(completed("gemma2", Map.of()))
                .containsEntry("attn_logit_softcapping", 50.0)
                .containsEntry("tie_word_embeddings", true);
        assertThat(completed("glm4", Map.of())).containsEntry("rms_norm_eps", 1.5625e-07);
        assertThat(completed("mixtral", Map.of())).containsEntry("rope_theta", 1_000_000.0);
        assertThat(completed("phi3", Map.of())).containsEntry("rms_norm_eps", 1e-05);
    }

    @Test
    void whatIsSaidStaysNullToo() {
        Map<String, Object> said = new HashMap<>();
        said.put("sliding_window", null);
        said.put("rms_norm_eps", 0.5);

        assertThat(completed("mistral", said))
                .containsEntry("sliding_window", null)
                .containsEntry("rms_norm_eps", 0.5)
                .containsEntry("num_key_value_heads", 8);
    }

    @Test
    void anotherNameOfAnOptionCounts() {
        assertThat(completed("qwen3_moe", Map.of("num_experts", 6)))
                .containsEntry("num_experts", 6)
                .doesNotContainKey("num_local_experts");
    }

    @Test
    void whatFollowsFromOtherValuesHasNoDefault() {
        assertThat(completed("llama", Map.of()))
                .doesNotContainKeys("head_dim", "num_key_value_heads");
    }

    @Test
    void theTextModelOfAVisionLanguageModelHasItsOwn() {
        assertThat(completed("llava", Map.of("text_config", Map.of())))
                .containsEntry("hidden_size", 4096)
                .containsEntry("projector_hidden_act", "gelu");
        assertThat(completed("llava", Map.of("text_config", Map.of("model_type", "mistral"))))
                .containsEntry("num_key_value_heads", 8);
    }

    @Test
    void aFamilyWithoutAClassHasNone() {
        assertThat(completed("chatglm", Map.of())).containsOnlyKeys("model_type");
    }

    private static Map<String, Object> completed(String family, Map<String, Object> said) {
        Map<String, Object> config = new HashMap<>(said);
        config.put("model_type", family);
        return FamilyDefaults.completed(config);
    }
}
