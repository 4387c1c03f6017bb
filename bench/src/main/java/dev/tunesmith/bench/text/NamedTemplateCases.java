package dev.tunesmith.bench.text;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tunesmith.bench.golden.CaseRunner;
import dev.tunesmith.bench.golden.Comparison;
import dev.tunesmith.bench.golden.GoldenCase;
import dev.tunesmith.bench.golden.UnsupportedCaseException;
import dev.tunesmith.contracts.chat.Dialogue;
import dev.tunesmith.contracts.chat.Exchange;
import dev.tunesmith.contracts.chat.NamedTemplate;
import dev.tunesmith.contracts.chat.NamedTemplates;
import dev.tunesmith.contracts.chat.Piece;
import dev.tunesmith.contracts.chat.Thinking;
import dev.tunesmith.contracts.chat.Turn;
import dev.tunesmith.contracts.chat.Writer;
import dev.tunesmith.contracts.tool.Json;
import dev.tunesmith.contracts.tool.JsonReader;
import dev.tunesmith.contracts.tool.MalformedCallException;
import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/// `text/lf_templates`: a template by name, conversations in, pieces of text out.
public final class NamedTemplateCases implements CaseRunner {

    @Override
    public void run(GoldenCase golden, Comparison comparison) {
        String name = golden.folder().getFileName().toString();
        NamedTemplate template =
                NamedTemplates.find(name)
                        .orElseThrow(() ->
                                new UnsupportedCaseException("no template is called " + name));
        JsonNode tree = JsonFiles.tree(golden.folder().resolve(GoldenCase.FILE));
        Map<String, JsonNode> conversations = new LinkedHashMap<>();
        JsonFiles.tree(golden.above("conversations.json"))
                .path("conversations")
                .forEach(one -> conversations.put(one.path("name").asText(), one));
        comparison.equal("facts", facts(template), expectedFacts(tree.path("template")));
        LocalDateTime now = LocalDateTime.parse(golden.text("now", "2024-01-01T00:00:00"));
        for (JsonNode rendering : tree.path("renderings")) {
            Writer writer = new Writer(template, thinking(rendering), now.toLocalDate());
            JsonNode conversation =
                    conversations.getOrDefault(rendering.path("conversation").asText(), rendering);
            String expected =
                    rendering.has("error") ? "error" : plain(rendering.path("pairs").toString());
            comparison.equal(label(rendering), written(writer, conversation, rendering), expected);
        }
    }

    private static String label(JsonNode rendering) {
        return "%s %s %s"
                .formatted(
                        rendering.path("conversation").asText(),
                        rendering.path("call").asText(),
                        rendering.path("enable_thinking"));
    }

    /// The same JSON in one spelling.
    private static String plain(String json) {
        return Json.line(JsonReader.read(json));
    }

    private static String facts(NamedTemplate template) {
        return List.of(
                        template.kind(),
                        template.ending(),
                        template.defaultSystem(),
                        List.of(
                                template.marks().thoughtOpen(),
                                template.marks().thoughtClose(),
                                template.marks().callOpen(),
                                template.marks().callClose()),
                        template.tools())
                .toString();
    }

    private static String expectedFacts(JsonNode expected) {
        String kind = expected.path("class").asText().toUpperCase(Locale.ROOT);
        List<String> marks = new ArrayList<>(JsonFiles.texts(expected.path("thought_words")));
        marks.addAll(JsonFiles.texts(expected.path("tool_call_words")));
        String tools = expected.path("tool_format").asText("default");
        return List.of(
                        kind.equals("SYSTEM_IN_FIRST_USER") ? "SYSTEM_IN_FIRST_QUESTION" : kind,
                        new NamedTemplate.Ending(
                                JsonFiles.texts(expected.path("stop_words")),
                                expected.path("efficient_eos").asBoolean(),
                                expected.path("replace_eos").asBoolean()),
                        expected.path("default_system").asText(),
                        marks,
                        (tools.equals("null") ? "default" : tools).toUpperCase(Locale.ROOT))
                .toString();
    }

    private static Thinking thinking(JsonNode rendering) {
        JsonNode enabled = rendering.path("enable_thinking");
        Thinking.Mode mode =
                enabled.isNull()
                        ? Thinking.Mode.AS_GIVEN
                        : enabled.asBoolean(true) ? Thinking.Mode.ON : Thinking.Mode.OFF;
        return new Thinking(
                mode,
                rendering.path("preserve_thinking").asBoolean(),
                rendering.path("drop_earlier_thoughts").asBoolean());
    }

    private static String written(Writer writer, JsonNode conversation, JsonNode rendering) {
        try {
            Dialogue dialogue = dialogue(writer.template(), conversation);
            List<Exchange> exchanges =
                    rendering.path("call").asText().equals("one_turn")
                            ? List.of(writer.lastExchange(dialogue))
                            : writer.exchanges(dialogue);
            List<Object> pairs = new ArrayList<>();
            for (Exchange exchange : exchanges) {
                pairs.add(List.of(tree(exchange.source()), tree(exchange.target())));
            }
            return Json.line(pairs);
        } catch (MalformedCallException _) {
            return "error";
        }
    }

    private static Dialogue dialogue(NamedTemplate template, JsonNode conversation) {
        List<Turn> turns = new ArrayList<>();
        for (JsonNode message : conversation.path("messages")) {
            String content =
                    message.path("content")
                            .asText()
                            .replace("[[think]]", template.marks().thoughtOpen())
                            .replace("[[/think]]", template.marks().thoughtClose());
            turns.add(new Turn(role(message.path("role").asText()), content));
        }
        String tools = conversation.path("tools").asText("");
        Object list = tools.isEmpty() ? null : JsonReader.read(tools);
        return new Dialogue(
                turns,
                conversation.path("system").asText(""),
                list instanceof List<?> many ? many : List.of());
    }

    /// The role of a name that LLaMA-Factory uses.
    static Turn.Role role(String name) {
        return switch (name) {
            case "user" -> Turn.Role.USER;
            case "assistant" -> Turn.Role.ASSISTANT;
            case "function" -> Turn.Role.CALLS;
            case "observation" -> Turn.Role.RESULT;
            default -> throw new UnsupportedCaseException("unknown role " + name);
        };
    }

    private static List<Object> tree(List<Piece> pieces) {
        List<Object> tree = new ArrayList<>();
        for (Piece piece : pieces) {
            tree.add(
                    switch (piece) {
                        case Piece.Text(String text) -> text;
                        case Piece.Token(String name) -> Map.of("token", name);
                        case Piece.Special special ->
                                Map.of("special", special.name().toLowerCase(Locale.ROOT));
                    });
        }
        return tree;
    }
}
