package dev.tunesmith.contracts.template;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.tunesmith.contracts.jinja.TemplateException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.assertj.core.api.SoftAssertions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Every golden render and expression of the Python reference.
final class GoldenTemplatesTest {
    private static final Path GOLDEN = Path.of("..", "golden", "text");
    private static final LocalDateTime CLOCK = LocalDateTime.of(2024, 2, 29, 13, 5, 9, 123_456_000);
    private static final ObjectMapper JSON =
            JsonMapper.builder().enable(DeserializationFeature.USE_BIG_INTEGER_FOR_INTS).build();

    private static Stream<String> templates() throws IOException {
        try (Stream<Path> folders = Files.list(GOLDEN.resolve("chat_templates"))) {
            return folders
                    .map(folder -> folder.getFileName().toString())
                    .sorted()
                    .toList()
                    .stream();
        }
    }

    @ParameterizedTest
    @MethodSource("templates")
    void rendersAsTheReference(String name) throws IOException {
        Path folder = GOLDEN.resolve("chat_templates").resolve(name);
        JsonNode golden = JSON.readTree(folder.resolve("case.json").toFile());
        List<String> wrong = new ArrayList<>();
        for (JsonNode render : golden.get("renders")) {
            String source =
                    render.has("template")
                            ? render.get("template").asText()
                            : Files.readString(folder.resolve("template.jinja"));
            String found = rendered(source, golden, render);
            String expected =
                    render.has("error")
                            ? expectedFailure(render.get("error"))
                            : render.get("expected").asText() + spans(render);
            if (!found.equals(expected)) {
                wrong.add(
                        "%s: expected <%s> found <%s>"
                                .formatted(render.get("id"), expected, found));
            }
        }
        assertThat(wrong).isEmpty();
    }

    private static String expectedFailure(JsonNode error) {
        String kind = error.get("kind").asText();
        return "!" + kind + (kind.equals("raised") ? ":" + error.get("message").asText() : "");
    }

    private static String spans(JsonNode render) {
        return render.has("spans") ? "@" + render.get("spans") : "";
    }

    @SuppressWarnings("unchecked")
    private static String rendered(String source, JsonNode golden, JsonNode render) {
        Map<String, Object> given = JSON.convertValue(render, Map.class);
        ChatInput input =
                ChatInput.of(
                                (List<Map<String, Object>>)
                                        JSON.convertValue(render.get("messages"), List.class),
                                JSON.convertValue(golden.get("special_tokens"), Map.class),
                                LocalDateTime.parse(golden.get("now").asText()))
                        .withTools((List<Object>) given.get("tools"))
                        .withDocuments((List<Object>) given.get("documents"));
        if (render.path("add_generation_prompt").asBoolean()) {
            input = input.withGenerationPrompt();
        }
        Map<String, Object> more = (Map<String, Object>) given.getOrDefault("kwargs", Map.of());
        for (Map.Entry<String, Object> entry : more.entrySet()) {
            input = input.with(entry.getKey(), entry.getValue());
        }
        try {
            ChatTemplate template = ChatTemplate.compile(source);
            JsonNode open = render.path("continue_final_message");
            Rendered result =
                    open.isTextual()
                            ? template.renderOpen(input, open.asText())
                            : open.asBoolean()
                                    ? template.renderOpen(input, "content")
                                    : template.render(input);
            List<List<Integer>> spans =
                    result.codePointSpans().stream()
                            .map(span -> List.of(span.start(), span.end()))
                            .toList();
            return result.text() + (render.has("spans") ? "@" + JSON.valueToTree(spans) : "");
        } catch (TemplateException e) {
            String kind = e.kind().name().toLowerCase(java.util.Locale.ROOT);
            return "!" + kind + (kind.equals("raised") ? ":" + e.reason() : "");
        }
    }

    @Test
    void evaluatesExpressionsAsTheReference() throws IOException {
        Path folder = GOLDEN.resolve("jinja_expressions");
        JsonNode golden = JSON.readTree(folder.resolve("case.json").toFile());
        Map<String, Object> context = context(golden);
        List<String> wrong = new ArrayList<>();
        int count = 0;
        for (String line : Files.readAllLines(folder.resolve("expressions.jsonl"))) {
            JsonNode row = JSON.readTree(line);
            String expected =
                    row.has("error")
                            ? "!" + row.get("error").get("kind").asText()
                            : row.get("expected").asText();
            String source = "{{ " + row.get("expression").asText() + " }}";
            String found = evaluated(source, context, CLOCK);
            count++;
            if (!found.equals(expected)) {
                wrong.add(
                        "%s: expected <%s> found <%s>"
                                .formatted(row.get("expression").asText(), expected, found));
            }
        }
        assertThat(wrong).isEmpty();
        assertThat(count).isEqualTo(700);
    }

    /// Templates out of a generator (golden/generate/text_jinja_templates.py).
    @Test
    void rendersRandomTemplatesAsTheReference() throws IOException {
        Path folder = GOLDEN.resolve("jinja_templates");
        Map<String, Object> context =
                JSON.readValue(folder.resolve("context.json").toFile(), new TypeReference<>() {});
        SoftAssertions all = new SoftAssertions();
        for (String line : Files.readAllLines(folder.resolve("templates.jsonl"))) {
            JsonNode row = JSON.readTree(line);
            String source = row.get("template").asText();
            String expected =
                    row.has("error")
                            ? "!" + row.get("error").asText()
                            : row.get("expected").asText();
            all.assertThat(evaluated(source, context, CLOCK)).as(source).isEqualTo(expected);
        }
        all.assertAll();
    }

    /// The styles of published templates (golden/generate/text_model_styles.py).
    @Test
    void rendersTheStylesOfPublishedModelsAsTheReference() throws IOException {
        Path folder = GOLDEN.resolve("model_styles");
        JsonNode given = JSON.readTree(folder.resolve("arguments.json").toFile());
        SoftAssertions all = new SoftAssertions();
        for (String line : Files.readAllLines(folder.resolve("renders.jsonl"))) {
            JsonNode row = JSON.readTree(line);
            String name = row.get("template").asText();
            Map<String, Object> context = new HashMap<>();
            context.put("tools", null);
            context.put("documents", null);
            context.put("add_generation_prompt", false);
            context.put("bos_token", "<s>");
            context.put("eos_token", "</s>");
            JsonNode arguments = given.get(row.get("arguments").asInt());
            context.putAll(JSON.convertValue(arguments, new TypeReference<>() {}));
            String source = Files.readString(folder.resolve(name + ".jinja"));
            String expected =
                    row.has("error")
                            ? "!" + row.get("error").asText().replaceFirst(":.*", "")
                            : row.get("expected").asText();
            all.assertThat(evaluated(source, context, CLOCK))
                    .as("%s over %s", name, arguments)
                    .isEqualTo(expected);
        }
        all.assertAll();
    }

    @SuppressWarnings("unchecked")
    private static Map<String, Object> context(JsonNode golden) {
        return JSON.convertValue(golden.get("context"), Map.class);
    }

    private static String evaluated(String source, Map<String, Object> context, LocalDateTime now) {
        try {
            return ChatTemplate.compile(source).renderOver(context, now);
        } catch (TemplateException e) {
            return "!" + e.kind().name().toLowerCase(java.util.Locale.ROOT);
        }
    }
}
