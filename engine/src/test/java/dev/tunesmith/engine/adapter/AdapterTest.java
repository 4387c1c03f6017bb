package dev.tunesmith.engine.adapter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.within;

import dev.tunesmith.engine.adapter.kind.AdapterConfig;
import dev.tunesmith.engine.adapter.kind.LoraConfig;
import dev.tunesmith.engine.adapter.kind.LoraConfig.Ranks;
import dev.tunesmith.engine.adapter.site.AdapterException;
import dev.tunesmith.engine.adapter.site.Targets;
import dev.tunesmith.engine.io.JsonTree;
import dev.tunesmith.engine.io.ModelDirectory;
import dev.tunesmith.engine.model.Decoder;
import dev.tunesmith.engine.model.entry.CachedBatch;
import dev.tunesmith.engine.model.entry.KvCache;
import dev.tunesmith.engine.tape.Tape;
import dev.tunesmith.engine.tensor.DType;
import dev.tunesmith.engine.tensor.Region;
import dev.tunesmith.engine.tensor.StepArena;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class AdapterTest {

    @Test
    void aNewAdapterChangesNothing() {
        try (Decoder decoder = load("llama")) {
            float[] plain = FiveTokens.hidden(decoder);
            LoraConfig config = LoraConfig.plain("base", 4, 8, 0, Targets.allLinear());
            try (Adapter adapter = Adapter.fresh(decoder, config, 1)) {
                assertThat(adapter.parameters()).hasSize(2 * 7 * 2);
                assertThat(FiveTokens.hidden(decoder)).isEqualTo(plain);
            }
            assertThat(decoder.linears()).allMatch(linear -> linear.change().isEmpty());
        }
    }

    /// Experts and routers that the libraries hold as bare tensors are no linear layers.
    @ParameterizedTest
    @ValueSource(strings = {"gpt_oss", "granitemoe"})
    void allLinearLayersAreThoseOfTheLibraries(String family) {
        Path model = FiveTokens.GOLDEN.resolve("../families").resolve(family).resolve("model");
        LoraConfig config = LoraConfig.plain("base", 4, 8, 0, Targets.allLinear());
        try (Decoder decoder =
                        Decoder.load(
                                ModelDirectory.open(model), DType.F32, Decoder.Loading.MAPPED);
                Adapter adapter = Adapter.fresh(decoder, config, 1)) {
            assertThat(adapter.parameters())
                    .hasSize(2 * 4 * 2)
                    .allMatch(factor -> factor.name().contains(".self_attn."));
        }
    }

    @Test
    void sameSeedSameFactors() {
        assertThat(firstFactor(5)).isEqualTo(firstFactor(5)).isNotEqualTo(firstFactor(6));
    }

    private static float[] firstFactor(long seed) {
        LoraConfig config = LoraConfig.plain("base", 4, 8, 0, Targets.allLinear());
        try (Decoder decoder = load("llama");
                Adapter adapter = Adapter.fresh(decoder, config, seed)) {
            return adapter.parameters().getFirst().value().toFloats();
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "lora_all_linear",
                "lora_embedding",
                "lora_modules_to_save",
                "lora_rank_pattern",
                "lora_regex_exclude",
                "lora_layers_to_transform",
                "rslora",
                "dora",
                "ia3",
                "vera",
                "oft_exact",
                "boft",
                "adalora",
                "prompt_tuning",
                "prefix_tuning",
                "p_tuning_lstm"
            })
    void savesTheBytesThatItLoaded(String name, @TempDir Path folder) throws IOException {
        Path source = FiveTokens.GOLDEN.resolve(name).resolve("adapter");
        try (Decoder decoder = load("llama");
                Adapter adapter = Adapter.load(decoder, source)) {
            adapter.save(folder);
        }
        assertThat(Files.readAllBytes(folder.resolve(Adapter.WEIGHTS)))
                .isEqualTo(Files.readAllBytes(source.resolve(Adapter.WEIGHTS)));
        assertThat(AdapterConfig.read(JsonTree.read(folder.resolve(Adapter.CONFIG))))
                .isEqualTo(AdapterConfig.read(JsonTree.read(source.resolve(Adapter.CONFIG))));
    }

    @Test
    void twoViewsOfOneModelCarryDifferentAdapters() {
        try (Decoder decoder = load("llama")) {
            float[] plain = FiveTokens.hidden(decoder);
            Decoder shared = decoder.share();
            try (Adapter adapter =
                    Adapter.load(shared, FiveTokens.GOLDEN.resolve("lora_qv/adapter"))) {
                assertThat(adapter.config()).isInstanceOf(LoraConfig.class);
                assertThat(FiveTokens.hidden(shared)).isNotEqualTo(plain);
                assertThat(FiveTokens.hidden(decoder)).isEqualTo(plain);
            }
        }
    }

    @Test
    void whatIsNotImplementedIsRefusedByName() {
        Map<String, Object> tree = new HashMap<>(tree("lora_qv"));
        tree.put("use_qalora", true);
        tree.put("layer_replication", List.of(List.of(0, 4)));
        tree.put("some_future_note", "ignored");

        assertThatExceptionOfType(AdapterException.class)
                .isThrownBy(() -> AdapterConfig.read(tree))
                .withMessageContaining("use_qalora = true is not supported")
                .withMessageContaining("layer_replication");
    }

    @Test
    void anAdapterOfAnotherModelIsRefusedWithAllReasons() {
        try (Decoder decoder = load("qwen2")) {
            assertThatExceptionOfType(AdapterException.class)
                    .isThrownBy(() ->
                            Adapter.load(
                                            decoder,
                                            FiveTokens.GOLDEN.resolve("lora_all_linear/adapter"))
                                    .close())
                    .satisfies(e -> assertThat(e.reasons()).hasSizeGreaterThan(3));
            assertThat(decoder.linears()).allMatch(linear -> linear.change().isEmpty());
        }
    }

    @Test
    void targetsThatMatchNothingAreRefused() {
        LoraConfig config = LoraConfig.plain("b", 4, 8, 0, Targets.named(List.of("c_attn")));
        try (Decoder decoder = load("llama")) {
            assertThatExceptionOfType(AdapterException.class)
                    .isThrownBy(() -> Adapter.fresh(decoder, config, 1).close())
                    .withMessageContaining("[c_attn] matches no module");
        }
    }

    @Test
    void aBiasWithoutAPlaceIsNotMerged() {
        try (Decoder decoder = load("llama");
                Adapter adapter =
                        Adapter.load(
                                decoder,
                                FiveTokens.GOLDEN.resolve("lora_bias_b_no_base_bias/adapter"))) {
            assertThatExceptionOfType(AdapterException.class)
                    .isThrownBy(adapter::merged)
                    .withMessageContaining("has no place in the checkpoint");
        }
    }

    @Test
    void patternsOfRanksMatchTrailingPartsOfNames() {
        Ranks ranks = new Ranks(4, 8, Map.of("q_proj", 2), Map.of("a\\.0\\..*", 3.0), true);

        assertThat(ranks.rank("model.a.1.q_proj")).isEqualTo(2);
        assertThat(ranks.rank("model.a.1.xq_proj")).isEqualTo(4);
        assertThat(ranks.scale("model.a.0.v")).isEqualTo(3 / Math.sqrt(4));
    }

    /// A prompt in two pieces and single tokens behind it, against the whole text at once.
    @ParameterizedTest
    @ValueSource(strings = {"prompt_tuning", "prefix_tuning"})
    void virtualTokensStandBeforeCachedTextsToo(String name) {
        try (Decoder decoder = load("llama");
                Adapter _ =
                        Adapter.load(decoder, FiveTokens.GOLDEN.resolve(name).resolve("adapter"));
                StepArena arena = StepArena.unlimited();
                KvCache cache = decoder.cache(4, 4)) {
            float[] whole = FiveTokens.hidden(decoder);
            List<float[]> parts = new ArrayList<>();
            int[] pages = {3, 1, 2, 0};
            int[] ids = {4, 8, 15, 16, 23};
            int[][] pieces = {{0, 2}, {2, 4}, {4, 5}};
            for (int[] piece : pieces) {
                try (Region step = arena.open("piece")) {
                    var sequence = new CachedBatch.Sequence(piece[0], piece[1] - piece[0], pages);
                    int[] fresh = Arrays.copyOfRange(ids, piece[0], piece[1]);
                    var batch = new CachedBatch(fresh, List.of(sequence));
                    Tape tape = Tape.silent(arena, step);
                    parts.add(decoder.forwardCached(tape, cache, batch).toFloats());
                }
            }
            int at = 0;
            for (float[] part : parts) {
                for (float value : part) {
                    assertThat(value).isCloseTo(whole[at++], within(2e-5f));
                }
            }
            assertThat(at).isEqualTo(whole.length);
        }
    }

    @Test
    void virtualTokensAreNotMerged() {
        try (Decoder decoder = load("llama");
                Adapter adapter =
                        Adapter.load(decoder, FiveTokens.GOLDEN.resolve("prompt_tuning/adapter"))) {
            assertThatExceptionOfType(AdapterException.class)
                    .isThrownBy(adapter::merged)
                    .withMessageContaining("virtual tokens are no weights");
        }
    }

    private static Map<String, Object> tree(String name) {
        return JsonTree.read(
                FiveTokens.GOLDEN.resolve(name).resolve("adapter").resolve(Adapter.CONFIG));
    }

    private static Decoder load(String base) {
        return FiveTokens.load(FiveTokens.base(base));
    }
}
