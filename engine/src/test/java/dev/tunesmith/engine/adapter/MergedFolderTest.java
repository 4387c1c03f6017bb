package dev.tunesmith.engine.adapter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.within;

import dev.tunesmith.engine.adapter.site.AdapterException;
import dev.tunesmith.engine.io.ModelDirectory;
import dev.tunesmith.engine.io.WeightFiles;
import dev.tunesmith.engine.model.Decoder;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class MergedFolderTest {

    @TempDir Path folder;

    @ParameterizedTest
    @ValueSource(strings = {"lora_all_linear", "lora_rank_pattern", "rslora", "lora_qv"})
    void theMergedModelSaysWhatBaseAndAdapterSay(String name) throws IOException {
        ModelDirectory base = FiveTokens.base("llama");
        Path adapter = FiveTokens.GOLDEN.resolve(name).resolve("adapter");
        MergedFolder.write(base, adapter, folder);

        float[] expected;
        float[] plain;
        try (Decoder decoder = FiveTokens.load(base)) {
            plain = FiveTokens.logits(decoder);
            try (Adapter _ = Adapter.load(decoder, adapter)) {
                expected = FiveTokens.logits(decoder);
            }
        }
        float[] merged;
        try (Decoder decoder = FiveTokens.load(ModelDirectory.open(folder))) {
            merged = FiveTokens.logits(decoder);
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
        MergedFolder.write(
                FiveTokens.base("llama"), FiveTokens.GOLDEN.resolve("lora_qv/adapter"), folder);

        try (WeightFiles before = FiveTokens.base("llama").openWeights();
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
                                FiveTokens.base("llama"),
                                FiveTokens.GOLDEN.resolve("lora_bias_b_no_base_bias/adapter"),
                                folder))
                .withMessageContaining("has no place in the checkpoint");
    }
}
