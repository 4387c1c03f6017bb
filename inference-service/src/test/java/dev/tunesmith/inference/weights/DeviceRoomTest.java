package dev.tunesmith.inference.weights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tunesmith.contracts.fit.ModelFacts;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;

class DeviceRoomTest {
    /// A token of an 8 B Llama: 32 layers of 8 heads of 128 in bfloat16, keys and values.
    private static final long TOKEN_BYTES = 128 << 10;

    private static final DeviceRoom SIXTEEN_GIB = new DeviceRoom(OptionalLong.of(16L << 30));

    @Test
    void theCacheTakesWhatIsWantedOrWhatThereIsRoomFor() throws IOException {
        assertThat(SIXTEEN_GIB.cacheTokens(65_536, TOKEN_BYTES)).isEqualTo(65_536);
        assertThat(SIXTEEN_GIB.cacheTokens(1 << 20, TOKEN_BYTES)).isEqualTo(104_857);
        assertThat(new DeviceRoom(OptionalLong.empty()).cacheTokens(1 << 20, TOKEN_BYTES))
                .isEqualTo(1 << 20);
    }

    @Test
    void aModelThatDoesNotFitIsRefusedWithTheNumbers() {
        ModelFacts facts =
                ModelFacts.fromConfig(
                        Map.of(
                                "architectures",
                                List.of("LlamaForCausalLM"),
                                "model_type",
                                "llama",
                                "hidden_size",
                                4096,
                                "intermediate_size",
                                14336,
                                "num_hidden_layers",
                                32,
                                "num_attention_heads",
                                32,
                                "num_key_value_heads",
                                8,
                                "vocab_size",
                                128256));
        assertThatThrownBy(() -> SIXTEEN_GIB.requireWeights(facts))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("weights of 15.0 GiB")
                .hasMessageContaining("16.0 GiB are free");
        assertThatThrownBy(() ->
                        new DeviceRoom(OptionalLong.of(1 << 20)).cacheTokens(4096, TOKEN_BYTES))
                .hasMessageContaining("smallest cache");
    }
}
