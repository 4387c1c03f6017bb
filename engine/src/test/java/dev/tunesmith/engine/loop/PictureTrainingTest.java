package dev.tunesmith.engine.loop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.tunesmith.contracts.job.AdapterSpec;
import dev.tunesmith.contracts.job.Precision;
import dev.tunesmith.contracts.job.ResolvedSpec;
import dev.tunesmith.contracts.method.Method;
import dev.tunesmith.engine.io.JsonTree;
import dev.tunesmith.engine.io.ModelDirectory;
import dev.tunesmith.engine.loop.LoopObserver.Stop;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Rows with pictures train a vision-language model.
class PictureTrainingTest {

    private static final Path RESOURCES = Path.of("src/test/resources");
    private static final int IMAGE = 42;
    private static final String TEMPLATE =
            """
            {%- for message in messages -%}
            {%- if message.role == 'assistant' -%}{% generation %}{{ message.content }}{% endgeneration %}
            {%- elif message.content is string -%}{{ message.content }}
            {%- else -%}{%- for part in message.content -%}
            {{- '<pic>' if part.type == 'image' else part.text -}}
            {%- endfor -%}{%- endif -%}
            {%- endfor -%}
            """;

    @TempDir private Path folder;

    static Stream<AdapterSpec> kinds() {
        return Stream.of(TinyModel.lora(0), TinyModel.FULL);
    }

    @ParameterizedTest
    @MethodSource("kinds")
    void theLossFallsAndARunRepeats(AdapterSpec adapter) throws IOException {
        Path model = model();
        Files.writeString(folder.resolve("rows.jsonl"), rows(picture("data:image/png;base64,")));

        List<Double> losses = losses(model, adapter, "first");

        assertThat(losses.getLast()).isLessThan(losses.getFirst());
        assertThat(losses(model, adapter, "again")).isEqualTo(losses);
    }

    @Test
    void aPictureThatIsNoneIsNamedWithItsLine() throws IOException {
        Path model = model();
        Files.writeString(folder.resolve("rows.jsonl"), rows("data:image/png;base64,AAAA"));

        assertThatExceptionOfType(TrainingDataException.class)
                .isThrownBy(() -> losses(model, TinyModel.lora(0), "wrong"))
                .withMessageContaining("a picture is neither PNG nor JPEG");
    }

    private List<Double> losses(Path model, AdapterSpec adapter, String name) throws IOException {
        ResolvedSpec spec =
                TinyModel.longRows(
                        TinyModel.steps(
                                TinyModel.spec(Method.SUPERVISED, adapter, Precision.FP32), 6),
                        96);
        var sources =
                new TrainingRun.Sources(
                        ModelDirectory.open(model),
                        folder.resolve("rows.jsonl"),
                        Optional.empty(),
                        Map.of(),
                        Optional.empty());
        Path room = Files.createDirectory(folder.resolve(name));
        try (TrainingRun run = TrainingRun.prepare(spec, sources, room, TinyModel.BYTES)) {
            Recorder recorder = new Recorder(_ -> Stop.NO, _ -> {});
            Outcome _ = run.loop(run.start(), recorder).run();
            return recorder.losses();
        }
    }

    private static String rows(String url) {
        StringBuilder lines = new StringBuilder();
        for (int i = 0; i < 8; i++) {
            lines.append(
                    """
                    {"messages":[{"role":"user","content":[{"type":"text","text":"w5 w6 "},{"type":"image_url","image_url":{"url":"%s"}}]},{"role":"assistant","content":" w%d w8"}]}
                    """
                            .formatted(url, 9 + i % 2));
        }
        return lines.toString();
    }

    private static String picture(String before) throws IOException {
        byte[] bytes = Files.readAllBytes(RESOURCES.resolve("pictures/checks.png"));
        return before + Base64.getEncoder().encodeToString(bytes);
    }

    /// The golden model with a vocabulary of words, one a token.
    private Path model() throws IOException {
        Path model = Files.createDirectory(folder.resolve("model"));
        Path golden = RESOURCES.resolve("golden/families/qwen2_vl/model");
        for (String name : List.of("config.json", "model.safetensors")) {
            Files.copy(golden.resolve(name), model.resolve(name));
        }
        Files.writeString(model.resolve("chat_template.jinja"), TEMPLATE);
        JsonTree.write(model.resolve("tokenizer_config.json"), Map.of("eos_token", "</s>"));
        Map<String, Object> vocabulary = new LinkedHashMap<>();
        for (int id = 0; id < IMAGE - 1; id++) {
            vocabulary.put(id == 0 ? "?" : "w" + id, id);
        }
        List<Map<String, Object>> added = new ArrayList<>();
        added.add(special("</s>", IMAGE - 1));
        added.add(special("<pic>", IMAGE));
        JsonTree.write(
                model.resolve("tokenizer.json"),
                Map.of(
                        "version",
                        "1.0",
                        "added_tokens",
                        added,
                        "pre_tokenizer",
                        Map.of("type", "Whitespace"),
                        "model",
                        Map.of("type", "WordLevel", "vocab", vocabulary, "unk_token", "?")));
        return model;
    }

    private static Map<String, Object> special(String text, int id) {
        return Map.of(
                "id", id,
                "content", text,
                "special", true,
                "single_word", false,
                "lstrip", false,
                "rstrip", false,
                "normalized", false);
    }
}
