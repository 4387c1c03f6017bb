package dev.tunesmith.contracts.fit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tunesmith.contracts.optim.OptimizerKind;
import dev.tunesmith.contracts.optim.OptimizerSpec;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class OptimizerSizeTest {

    private static final ModelFacts MODEL =
            ModelFacts.fromConfig(
                    Map.ofEntries(
                            Map.entry("architectures", List.of("LlamaForCausalLM")),
                            Map.entry("hidden_size", 576),
                            Map.entry("intermediate_size", 1536),
                            Map.entry("num_hidden_layers", 30),
                            Map.entry("num_attention_heads", 9),
                            Map.entry("num_key_value_heads", 3),
                            Map.entry("vocab_size", 49152),
                            Map.entry("tie_word_embeddings", true),
                            Map.entry("max_position_embeddings", 8192)));

    private static OptimizerSize full(OptimizerKind kind) {
        Workload work =
                new Workload(0, List.of(), true, 1, 512, Recompute.NONE)
                        .withOptimizer(OptimizerSpec.usual(kind));
        return OptimizerSize.of(MODEL, work, MODEL.parameters());
    }

    @ParameterizedTest
    @CsvSource({
        "ADAMW, 8.0, 8.0",
        "ADAMW_BF16, 4.0, 4.0",
        "ADAMW_8BIT, 2.0, 3.4",
        "ADAFACTOR, 0.0, 0.1",
        "LION, 4.0, 4.0",
        "SGD, 4.0, 4.0",
        "MUON, 4.8, 4.9",
        "GALORE, 1.7, 2.1",
        "ADALOMO, 0.0, 0.1",
        "LOMO, 0.0, 0.0",
        "ADAM_MINI, 4.0, 4.1",
        "SCHEDULE_FREE, 8.0, 8.0"
    })
    void statesWeighWhatTheyShould(OptimizerKind kind, double least, double most) {
        double bytes = (double) full(kind).states() / MODEL.parameters();
        assertThat(bytes).isBetween(least - 1e-9, most + 1e-9);
    }

    @Test
    void aBlockIsAllThatBadamHolds() {
        OptimizerSize size = full(OptimizerKind.BADAM);
        assertThat(size.gradients()).isEqualTo(4 * MODEL.layerParameters());
        assertThat(size.states() + size.masters()).isEqualTo(12 * MODEL.layerParameters());
    }

    @ParameterizedTest
    @EnumSource(OptimizerKind.class)
    void onlyThoseThatRoundAtRandomHaveNoMasters(OptimizerKind kind) {
        assertThat(full(kind).masters() > 0).isEqualTo(kind.masters());
    }
}
