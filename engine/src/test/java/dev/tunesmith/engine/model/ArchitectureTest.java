package dev.tunesmith.engine.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.tunesmith.engine.nn.AttentionShape.Bias;
import dev.tunesmith.engine.nn.position.RopeScaling;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class ArchitectureTest {

    private static Map<String, Object> config(Object... more) {
        Map<String, Object> config =
                new HashMap<>(
                        Map.of(
                                "model_type", "llama",
                                "num_hidden_layers", 2,
                                "hidden_size", 32,
                                "intermediate_size", 56,
                                "vocab_size", 131,
                                "max_position_embeddings", 64,
                                "num_attention_heads", 4,
                                "num_key_value_heads", 2));
        for (int i = 0; i < more.length; i += 2) {
            config.put(more[i].toString(), more[i + 1]);
        }
        return config;
    }

    @Test
    void bothFormsOfAConfigurationMeanTheSame() {
        Map<String, Object> scaling =
                Map.of(
                        "rope_type", "llama3",
                        "factor", 4.0,
                        "low_freq_factor", 1.0,
                        "high_freq_factor", 4.0,
                        "original_max_position_embeddings", 32);
        Map<String, Object> parameters = new HashMap<>(scaling);
        parameters.put("rope_theta", 300.0);

        Architecture older = Architecture.of(config("rope_theta", 300.0, "rope_scaling", scaling));
        Architecture newer = Architecture.of(config("rope_parameters", parameters));

        assertThat(newer).isEqualTo(older);
        assertThat(newer.positions().rotaries().getFirst().scaling())
                .isEqualTo(new RopeScaling.Llama3(4, 1, 4, 32));
    }

    @Test
    void theWidthOfAHeadComesFromTheConfigurationFirst() {
        assertThat(Architecture.of(config()).attention().headWidth()).isEqualTo(8);
        assertThat(Architecture.of(config("head_dim", 12)).attention().headWidth()).isEqualTo(12);
    }

    @Test
    void aWindowThatIsSwitchedOffDoesNotCount() {
        Map<String, Object> qwen =
                config(
                        "model_type",
                        "qwen2",
                        "sliding_window",
                        6,
                        "max_window_layers",
                        1,
                        "use_sliding_window",
                        false);

        assertThat(Architecture.of(qwen).positions().windows_L()).containsExactly(0, 0);

        qwen.put("use_sliding_window", true);
        Architecture windowed = Architecture.of(qwen);
        assertThat(windowed.positions().windows_L()).containsExactly(0, 6);
        assertThat(windowed.attention().bias()).isEqualTo(Bias.QKV);
    }

    @Test
    void anUnknownFamilyIsNamedWithTheKnownOnes() {
        assertThatExceptionOfType(UnsupportedModelException.class)
                .isThrownBy(() -> Architecture.of(config("model_type", "mamba")))
                .withMessageContaining("'mamba'")
                .withMessageContaining("llama, llava, ministral");
    }

    @Test
    void everyUnsupportedOptionIsToldAtOnce() {
        Map<String, Object> config =
                config(
                        "hidden_act",
                        "relu6",
                        "pretraining_tp",
                        2,
                        "rope_scaling",
                        Map.of("rope_type", "spiral"),
                        "quantization_config",
                        Map.of("quant_method", "marlin"));
        config.put("hidden_size", 1.5);

        assertThatExceptionOfType(UnsupportedModelException.class)
                .isThrownBy(() -> Architecture.of(config))
                .satisfies(e ->
                        assertThat(String.join("\n", e.reasons()))
                                .contains("relu6")
                                .contains("pretraining_tp = 2")
                                .contains("spiral")
                                .contains("quantization_config")
                                .contains("hidden_size must be a positive whole number, not 1.5"));
    }

    @Test
    void everyFamilyNamesItsLayers() {
        for (String family : List.of("llama", "mistral", "qwen2", "qwen3", "olmo2", "granite")) {
            Architecture architecture = Architecture.of(config("model_type", family));
            assertThat(architecture.positions().windows_L()).as(family).hasSize(2);
            assertThat(architecture.family()).isEqualTo(family);
        }
    }
}
