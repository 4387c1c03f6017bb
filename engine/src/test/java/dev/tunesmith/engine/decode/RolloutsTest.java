package dev.tunesmith.engine.decode;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tunesmith.engine.io.ModelDirectory;
import dev.tunesmith.engine.model.Decoder;
import dev.tunesmith.engine.model.FreshWeights;
import dev.tunesmith.engine.nn.Parameter;
import dev.tunesmith.engine.tensor.DType;
import dev.tunesmith.engine.tensor.StepArena;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

final class RolloutsTest {
    /// Longer than a page of the cache, and ending inside one.
    private static final int[] FIRST = new int[37];

    private static final int[] SECOND = {5, 9, 5};
    private static final Rollouts.Options OPTIONS = new Rollouts.Options(24, 1.5, 1, 0, Set.of());

    @TempDir Path folder;

    @BeforeEach
    void write() throws IOException {
        Arrays.setAll(FIRST, i -> 3 + i * 7 % 90);
        Files.writeString(
                folder.resolve(ModelDirectory.CONFIG),
                """
                {"architectures": ["LlamaForCausalLM"], "model_type": "llama",
                 "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2,
                 "num_attention_heads": 4, "num_key_value_heads": 2, "vocab_size": 96,
                 "max_position_embeddings": 256, "tie_word_embeddings": false,
                 "torch_dtype": "bfloat16"}
                """);
        FreshWeights.write(folder, 3);
    }

    private Decoder load(DType type, Decoder.Loading loading) {
        return Decoder.load(ModelDirectory.open(folder), type, loading);
    }

    private static List<String> drawn(Decoder model, List<int[]> prompts, long... seeds) {
        try (StepArena arena = StepArena.unlimited()) {
            return Rollouts.draw(model, arena, prompts, seeds, OPTIONS).stream()
                    .map(answer -> Arrays.toString(answer.tokens()))
                    .toList();
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"F32", "BF16"})
    void answersToOnePromptReadItOnceAndAreWhatTheyAreAlone(DType type) {
        try (Decoder model = load(type, Decoder.Loading.WRITABLE)) {
            List<String> together =
                    drawn(model, List.of(FIRST, FIRST.clone(), SECOND, FIRST), 1, 2, 3, 4);
            assertThat(together).doesNotHaveDuplicates();
            assertThat(together)
                    .containsExactly(
                            drawn(model, List.of(FIRST), 1).getFirst(),
                            drawn(model, List.of(FIRST), 2).getFirst(),
                            drawn(model, List.of(SECOND), 3).getFirst(),
                            drawn(model, List.of(FIRST), 4).getFirst());
        }
    }

    @Test
    void productsReadCopiesWhileAnswersAreDrawn() {
        try (Decoder model = load(DType.BF16, Decoder.Loading.WRITABLE)) {
            try (StepArena arena = StepArena.unlimited();
                    PanelCopies _ = new PanelCopies(model, arena)) {
                assertThat(model.parameters())
                        .filteredOn(Parameter::hasPanels)
                        .hasSize(model.linears().size() + 1);
            }
            assertThat(drawn(model, List.of(SECOND), 1)).hasSize(1);
            assertThat(model.parameters()).noneMatch(Parameter::hasPanels);
        }
    }

    @Test
    void weightsThatChangedAreDrawnFrom() {
        try (Decoder model = load(DType.BF16, Decoder.Loading.WRITABLE)) {
            List<String> before = drawn(model, List.of(FIRST), 1);
            Parameter head = model.head().weight();
            float[] other = head.best();
            for (int i = 0; i < other.length; i++) {
                other[i] = -other[i];
            }
            head.assign(other);
            assertThat(drawn(model, List.of(FIRST), 1)).isNotEqualTo(before);
        }
    }

    @Test
    void aModelThatComputesNoNumbersIsFoundOut() {
        try (Decoder model = load(DType.BF16, Decoder.Loading.WRITABLE)) {
            Parameter head = model.head().weight();
            float[] broken = head.best();
            broken[17] = Float.NaN;
            head.assign(broken);
            assertThatThrownBy(() -> drawn(model, List.of(SECOND), 1))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("no numbers");
        }
    }
}
