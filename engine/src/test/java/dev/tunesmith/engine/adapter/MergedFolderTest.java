package dev.tunesmith.engine.adapter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.within;

import dev.tunesmith.engine.adapter.site.AdapterException;
import dev.tunesmith.engine.data.TokenBatch;
import dev.tunesmith.engine.io.ModelDirectory;
import dev.tunesmith.engine.io.WeightFiles;
import dev.tunesmith.engine.model.Decoder;
import dev.tunesmith.engine.tape.CheckpointPolicy;
import dev.tunesmith.engine.tape.Tape;
import dev.tunesmith.engine.tensor.DType;
import dev.tunesmith.engine.tensor.Region;
import dev.tunesmith.engine.tensor.StepArena;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class MergedFolderTest {

    private static final Path GOLDEN = Path.of("src/test/resources/golden/adapters");

    @TempDir Path folder;

    @ParameterizedTest
    @ValueSource(strings = {"lora_all_linear", "lora_rank_pattern", "rslora", "lora_qv"})
    void theMergedModelSaysWhatBaseAndAdapterSay(String name) throws IOException {
        ModelDirectory base = base();
        Path adapter = GOLDEN.resolve(name).resolve("adapter");
        MergedFolder.write(base, adapter, folder);

        float[] expected;
        float[] plain;
        try (Decoder decoder = Decoder.load(base, DType.F32, Decoder.Loading.MAPPED)) {
            plain = logits(decoder);
            try (Adapter _ = Adapter.load(decoder, adapter)) {
                expected = logits(decoder);
            }
        }
        float[] merged;
        try (Decoder decoder =
                Decoder.load(ModelDirectory.open(folder), DType.F32, Decoder.Loading.MAPPED)) {
            merged = logits(decoder);
        }
        assertThat(merged).hasSameSizeAs(expected);
        double moved = 0;
        for (int i = 0; i < expected.length; i++) {
            assertThat((double) merged[i]).isCloseTo(expected[i], within(2e-5));
            moved = Math.max(moved, Math.abs(expected[i] - plain[i]));
        }
        assertThat(moved).isGreaterThan(1e-2);
    }

    @Test
    void whatTheAdapterLeavesAloneKeepsItsBytes() throws IOException {
        MergedFolder.write(base(), GOLDEN.resolve("lora_qv/adapter"), folder);

        try (WeightFiles before = base().openWeights();
                WeightFiles after = ModelDirectory.open(folder).openWeights()) {
            assertThat(after.names()).isEqualTo(before.names());
            for (String name : before.names()) {
                boolean target = name.contains("q_proj") || name.contains("v_proj");
                assertThat(after.bytes(name).mismatch(before.bytes(name)) == -1)
                        .as(name)
                        .isEqualTo(!target);
            }
        }
    }

    @Test
    void anAdapterWithoutAPlaceInTheBaseIsRefused() {
        assertThatExceptionOfType(AdapterException.class)
                .isThrownBy(() ->
                        MergedFolder.write(
                                base(), GOLDEN.resolve("lora_bias_b_no_base_bias/adapter"), folder))
                .withMessageContaining("has no place in the checkpoint");
    }

    private static ModelDirectory base() {
        return ModelDirectory.open(GOLDEN.resolve("base/llama/model"));
    }

    private static float[] logits(Decoder decoder) {
        int[] labels = new int[5];
        java.util.Arrays.fill(labels, TokenBatch.NOT_TRAINED);
        TokenBatch batch =
                new TokenBatch(
                        new int[] {4, 8, 15, 16, 23},
                        new int[] {0, 1, 2, 3, 4},
                        new int[] {0, 5},
                        labels,
                        new float[5]);
        try (StepArena arena = StepArena.unlimited();
                Region step = arena.open("forward")) {
            Tape tape = Tape.silent(arena, step);
            return decoder.head()
                    .logits(tape, decoder.forward(tape, batch, CheckpointPolicy.keepAll()))
                    .toFloats();
        }
    }
}
