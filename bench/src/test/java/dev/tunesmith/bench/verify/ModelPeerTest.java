package dev.tunesmith.bench.verify;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tunesmith.engine.adapter.Adapter;
import dev.tunesmith.engine.adapter.MergedFolder;
import dev.tunesmith.engine.adapter.SplitWeights;
import dev.tunesmith.engine.adapter.kind.AdapterConfig;
import dev.tunesmith.engine.adapter.kind.LoraConfig;
import dev.tunesmith.engine.adapter.site.Targets;
import dev.tunesmith.engine.io.JsonTree;
import dev.tunesmith.engine.io.ModelDirectory;
import dev.tunesmith.engine.io.SafetensorsWriter;
import dev.tunesmith.engine.io.WeightFiles;
import dev.tunesmith.engine.model.Decoder;
import dev.tunesmith.engine.model.QuantisedFolder;
import dev.tunesmith.engine.nn.Parameter;
import dev.tunesmith.engine.quant.SavedForm;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/// `transformers` loads the folders that we write, and `peft` our adapters: both say what we say.
/// The other way, the golden cases of adapters are folders that these libraries wrote.
@Tag("peers")
class ModelPeerTest {
    private static final Path GOLDEN = Path.of("../engine/src/test/resources/golden/adapters");
    private static final int[] TOKENS = {4, 8, 15, 16, 23, 42, 7, 9};

    /// fp32 on both sides, sums in another order.
    private static final double TOLERANCE = 2e-5;

    private static final LoraConfig RANK_4 =
            LoraConfig.plain("plain", 4, 8, 0, Targets.allLinear());

    /// Not BOFT: without a compiled CUDA extension, peft reads only one factor of it.
    private static final List<String> ADAPTERS =
            List.of(
                    "lora_all_linear",
                    "lora_bias_all",
                    "lora_bias_b",
                    "lora_embedding",
                    "lora_gpt2",
                    "lora_layers_to_transform",
                    "lora_modules_to_save",
                    "lora_rank_pattern",
                    "lora_regex_exclude",
                    "rslora",
                    "dora",
                    "ia3",
                    "vera",
                    "oft_exact",
                    "adalora",
                    "prompt_tuning",
                    "prefix_tuning",
                    "p_tuning_lstm");

    @TempDir private Path folder;

    @Test
    void transformersLoadsTheModelsThatWeWrite() throws Exception {
        Map<String, Path> models = new LinkedHashMap<>();
        for (String family : List.of("llama", "mistral", "qwen2", "qwen3", "gemma2", "olmo2")) {
            Path model = folder.resolve(family);
            ModelDirectory _ = TinyModels.write(model, family, Map.of());
            models.put(family, model);
        }
        for (String adapter : List.of("lora_all_linear", "dora", "ia3", "oft_exact")) {
            Path merged = Files.createDirectory(folder.resolve("merged-" + adapter));
            MergedFolder.write(
                    ModelDirectory.open(base(adapter)),
                    GOLDEN.resolve(adapter).resolve("adapter"),
                    merged);
            models.put("merged " + adapter, merged);
        }
        List<Map<String, Object>> requests = new ArrayList<>();
        List<float[]> ours = new ArrayList<>();
        for (Path model : models.values()) {
            requests.add(Map.of("model", model.toString(), "tokens", TOKENS));
            try (Decoder decoder = Peers.load(model)) {
                ours.add(Peers.logits(decoder, TOKENS));
            }
        }
        compare(List.copyOf(models.keySet()), ours, requests);
    }

    @Test
    void peftLoadsTheAdaptersThatWeWrite() throws Exception {
        List<Map<String, Object>> requests = new ArrayList<>();
        List<float[]> ours = new ArrayList<>();
        for (String name : ADAPTERS) {
            Path saved = Files.createDirectory(folder.resolve(name));
            ours.add(written(name, saved));
            requests.add(
                    Map.of(
                            "model", base(name).toString(),
                            "adapter", saved.toString(),
                            "tokens", TOKENS));
        }
        compare(ADAPTERS, ours, requests);
    }

    /// Both sides decode the same codes. LLM.int8 rounds activations to 8 bits on both, each after
    /// sums in another order; the peers compute beside codes in bf16 at places.
    @ParameterizedTest
    @CsvSource({"FP8, 0.01", "INT8, 0.03", "NF4, 0.02"})
    void transformersLoadsTheQuantisedModelsThatWeWrite(SavedForm form, double bound)
            throws Exception {
        ModelDirectory source =
                TinyModels.write(folder.resolve("plain"), "llama", Map.of("num_hidden_layers", 2));
        Path coded = Files.createDirectory(folder.resolve("coded"));
        QuantisedFolder.write(source, coded, form);
        JsonNode answers =
                Peers.ask(
                        "check_models.py",
                        List.of(Map.of("model", coded.toString(), "tokens", TOKENS)));
        try (Decoder decoder = Peers.load(coded)) {
            assertThat(
                            Peers.relativeError(
                                    Peers.logits(decoder, TOKENS), Peers.numbers(answers.get(0))))
                    .isLessThan(bound);
        }
    }

    /// The weights have lost a part to the factors while these train; what is written stands beside
    /// the untouched model.
    @ParameterizedTest
    @EnumSource
    void peftLoadsFactorsThatTookAPartOfTheWeights(SplitWeights.Way way) throws Exception {
        Path model = folder.resolve("model");
        ModelDirectory _ = TinyModels.write(model, "llama", Map.of("num_hidden_layers", 2));
        Path saved = Files.createDirectory(folder.resolve("saved"));
        float[] ours;
        try (Decoder decoder = Peers.load(model);
                Adapter adapter = Adapter.fresh(decoder, RANK_4, 1);
                SplitWeights split = SplitWeights.of(decoder, way)) {
            trainSomewhat(adapter, 5);
            split.save(adapter, RANK_4, saved, SafetensorsWriter.Target.AT_ONCE);
            ours = Peers.logits(decoder, TOKENS);
        }
        try (Decoder untouched = Peers.load(model)) {
            double[] before = IntStream.range(0, ours.length).mapToDouble(i -> ours[i]).toArray();
            assertThat(Peers.relativeError(Peers.logits(untouched, TOKENS), before))
                    .isGreaterThan(100 * TOLERANCE);
        }
        compare(List.of(way.name()), List.of(ours), List.of(request(model, saved)));
    }

    /// Factors that began with what rounding lost stand beside the codes.
    @Test
    void peftLoadsFactorsBesideTheCodesWhoseErrorsTheyCorrect() throws Exception {
        ModelDirectory source =
                TinyModels.write(folder.resolve("plain"), "llama", Map.of("num_hidden_layers", 2));
        Path coded = Files.createDirectory(folder.resolve("coded"));
        QuantisedFolder.write(source, coded, SavedForm.NF4);
        Path saved = Files.createDirectory(folder.resolve("saved"));
        float[] ours;
        try (Decoder decoder = Peers.load(coded);
                WeightFiles exact = source.openWeights();
                Adapter adapter = Adapter.fresh(decoder, RANK_4, 1)) {
            SplitWeights.ofRounding(decoder, exact);
            trainSomewhat(adapter, 5);
            adapter.save(saved);
            ours = Peers.logits(decoder, TOKENS);
        }
        JsonNode answers = Peers.ask("check_models.py", List.of(request(coded, saved)));
        assertThat(Peers.relativeError(ours, Peers.numbers(answers.get(0)))).isLessThan(0.02);
    }

    private static Map<String, Object> request(Path model, Path adapter) {
        return Map.of("model", model.toString(), "adapter", adapter.toString(), "tokens", TOKENS);
    }

    /// A new adapter of ours whose values are random.
    private static float[] written(String name, Path saved) throws IOException {
        Path config = GOLDEN.resolve(name).resolve("adapter").resolve(Adapter.CONFIG);
        AdapterConfig read = AdapterConfig.read(JsonTree.read(config)).withoutDropout();
        try (Decoder decoder = Peers.load(base(name));
                Adapter adapter = Adapter.fresh(decoder, read, 1)) {
            trainSomewhat(adapter, name.hashCode());
            adapter.save(saved);
            return Peers.logits(decoder, TOKENS);
        }
    }

    /// Moves all values a little.
    private static void trainSomewhat(Adapter adapter, long seed) {
        var random = new SplittableRandom(seed);
        for (Parameter parameter : adapter.parameters()) {
            float[] values = parameter.value().toFloats();
            for (int i = 0; i < values.length; i++) {
                values[i] += (float) (0.05 * random.nextGaussian());
            }
            parameter.value().set(values);
        }
    }

    private static Path base(String adapter) {
        Object base = JsonTree.read(GOLDEN.resolve(adapter).resolve("case.json")).get("base");
        return GOLDEN.resolve(String.valueOf(base)).resolve("model");
    }

    private static void compare(
            List<String> names, List<float[]> ours, List<Map<String, Object>> requests)
            throws IOException, InterruptedException {
        JsonNode answers = Peers.ask("check_models.py", requests);
        Map<String, Double> wrong = new HashMap<>();
        for (int i = 0; i < ours.size(); i++) {
            double error = Peers.relativeError(ours.get(i), Peers.numbers(answers.get(i)));
            if (!(error < TOLERANCE)) {
                wrong.put(names.get(i), error);
            }
        }
        assertThat(wrong).isEmpty();
    }
}
