package dev.tunesmith.engine.io;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ModelDirectoryTest {

    @TempDir Path folder;

    @Test
    void readsASingleWeightFile() throws IOException {
        write("config.json", "{\"model_type\":\"llama\",\"rope\":{\"x\":1e-05}}");
        weights("model.safetensors", "a");

        ModelDirectory model = ModelDirectory.open(folder);

        assertThat(model.config()).containsEntry("model_type", "llama");
        try (WeightFiles weights = model.openWeights()) {
            assertThat(weights.names()).containsExactly("a");
            assertThat(weights.totalBytes()).isEqualTo(4);
        }
    }

    @Test
    void readsShardsByTheirIndex() throws IOException {
        write("config.json", "{}");
        weights("model-1.safetensors", "a");
        weights("model-2.safetensors", "b");
        index("{\"a\":\"model-1.safetensors\",\"b\":\"model-2.safetensors\"}");

        try (WeightFiles weights = ModelDirectory.open(folder).openWeights()) {
            assertThat(weights.names()).containsExactly("a", "b");
            assertThat(weights.floats("b")).containsExactly(1);
        }
    }

    @Test
    void refusesAnIndexThatDoesNotFitItsShards() throws IOException {
        write("config.json", "{}");
        weights("model-1.safetensors", "a");
        index("{\"b\":\"model-1.safetensors\"}");
        refusesWeights("tensor b should be in model-1.safetensors but is not");
        index("{}");
        index("{\"a\":\"../model-1.safetensors\"}");
        refusesWeights("../model-1.safetensors is not the name of a safetensors file");
        index("{\"a\":\"model-3.safetensors\"}");
        refusesWeights("model-3.safetensors: the file does not exist");
    }

    @Test
    void refusesATensorThatTheIndexDoesNotName() throws IOException {
        write("config.json", "{}");
        new SafetensorsWriter(Map.of())
                .add("a", List.of(1L), new float[1])
                .add("b", List.of(1L), new float[1])
                .write(folder.resolve("model-1.safetensors"));
        index("{\"a\":\"model-1.safetensors\"}");
        refusesWeights("tensor b of model-1.safetensors is not in the index");
    }

    @Test
    void namesEveryFaultOfAFolderAtOnce() throws IOException {
        write("modeling_evil.py", "");
        write("pytorch_model.bin", "");

        assertThatExceptionOfType(ModelFileException.class)
                .isThrownBy(() -> ModelDirectory.open(folder))
                .withMessageContaining("modeling_evil.py is not a file of a model")
                .withMessageContaining("pytorch_model.bin is not a file of a model")
                .withMessageContaining("neither model.safetensors nor model.safetensors.index.json")
                .withMessageContaining("config.json is missing");
    }

    @Test
    void allowsOnlyPlainNames() {
        assertThat(List.of("config.json", "model-00001-of-00002.safetensors", "README.md"))
                .allMatch(ModelDirectory::allows);
        assertThat(
                        List.of(
                                "../config.json",
                                "a/b.safetensors",
                                ".safetensors",
                                "x.bin",
                                "x.py",
                                ""))
                .noneMatch(ModelDirectory::allows);
    }

    @Test
    void refusesAConfigThatIsNotAnObject() throws IOException {
        weights("model.safetensors", "a");
        for (String config : List.of("[]", "{\"a\":1,\"a\":2}", "{", "{} {}")) {
            write("config.json", config);
            assertThatExceptionOfType(ModelFileException.class)
                    .isThrownBy(() -> ModelDirectory.open(folder))
                    .withMessageStartingWith("config.json");
        }
    }

    @Test
    void findsTemplateAndSpecialTokensInOldAndNewPlaces() throws IOException {
        write("config.json", "{}");
        weights("model.safetensors", "a");
        ModelDirectory model = ModelDirectory.open(folder);
        assertThat(model.chatTemplate()).isEmpty();

        write("special_tokens_map.json", "{\"eos_token\":{\"content\":\"<e>\",\"lstrip\":false}}");
        write(
                "tokenizer_config.json",
                "{\"bos_token\":\"<b>\",\"chat_template\":"
                        + "[{\"name\":\"rag\",\"template\":\"R\"},{\"name\":\"default\",\"template\":\"D\"}]}");
        assertThat(model.specialToken("eos_token")).contains("<e>");
        assertThat(model.specialToken("bos_token")).contains("<b>");
        assertThat(model.specialToken("pad_token")).isEmpty();
        assertThat(model.chatTemplate()).contains("D");

        write("chat_template.jinja", "J");
        assertThat(model.chatTemplate()).contains("J");
    }

    private void refusesWeights(String reason) {
        ModelDirectory model = ModelDirectory.open(folder);
        assertThatExceptionOfType(ModelFileException.class)
                .isThrownBy(model::openWeights)
                .withMessageContaining(reason);
    }

    private void index(String weightMap) throws IOException {
        write(ModelDirectory.INDEX, "{\"weight_map\":" + weightMap + "}");
    }

    private void weights(String name, String tensor) throws IOException {
        new SafetensorsWriter(Map.of())
                .add(tensor, List.of(1L), new float[] {1})
                .write(folder.resolve(name));
    }

    private void write(String name, String text) throws IOException {
        Files.writeString(folder.resolve(name), text);
    }
}
