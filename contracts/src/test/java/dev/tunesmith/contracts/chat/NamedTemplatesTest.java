package dev.tunesmith.contracts.chat;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tunesmith.contracts.template.ChatInput;
import dev.tunesmith.contracts.template.ChatTemplate;
import dev.tunesmith.contracts.template.Rendered;
import dev.tunesmith.contracts.tool.MalformedCallException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

final class NamedTemplatesTest {

    private static final LocalDate TODAY = LocalDate.of(2024, 2, 29);

    private static Writer writer(String name, Thinking thinking) {
        return new Writer(NamedTemplates.find(name).orElseThrow(), thinking, TODAY);
    }

    private static Dialogue dialogue(String system, String... texts) {
        List<Turn> turns = new java.util.ArrayList<>();
        for (int i = 0; i < texts.length; i++) {
            turns.add(new Turn(i % 2 == 0 ? Turn.Role.USER : Turn.Role.ASSISTANT, texts[i]));
        }
        return new Dialogue(turns, system, List.of());
    }

    private static Piece text(String text) {
        return new Piece.Text(text);
    }

    @Test
    void knowsEveryNameAndVanilla() {
        assertThat(NamedTemplates.names()).hasSizeGreaterThanOrEqualTo(125).contains("vanilla");
    }

    @Test
    void everyTemplateWritesATurnWithItsContentInIt() {
        for (String name : NamedTemplates.names()) {
            List<Exchange> written =
                    writer(name, Thinking.ON)
                            .exchanges(dialogue("Be brief.", "Hi {{idx}}", "Hello"));
            assertThat(written).as(name).hasSize(1);
            assertThat(written.getFirst().source().toString()).as(name).contains("Hi {{idx}}");
            assertThat(written.getFirst().target().toString()).as(name).contains("Hello");
        }
    }

    @Test
    void systemTextStandsInTheFirstQuestionWhereTheTemplateWantsItThere() {
        assertThat(writer("mistral", Thinking.ON).exchanges(dialogue("S", "Q", "A")))
                .containsExactly(
                        new Exchange(
                                List.of(Piece.Special.BOS, text("[INST] S\n\nQ[/INST]")),
                                List.of(text(" A"), Piece.Special.EOS)));
    }

    @Test
    void aMissingThoughtIsLearnedOnlyIfTheModelThinks() {
        Dialogue dialogue = dialogue("", "Q", "A");
        Exchange on = writer("qwen3", Thinking.ON).lastExchange(dialogue);
        Exchange off =
                writer("qwen3", new Thinking(Thinking.Mode.OFF, false, false))
                        .lastExchange(dialogue);
        assertThat(on.target()).first().isEqualTo(text("<think>\n\n</think>\n\n"));
        assertThat(off.source()).last().isEqualTo(text("<think>\n\n</think>\n\n"));
        assertThat(off.target()).containsExactly(text("A<|im_end|>\n"));
    }

    @Test
    void callsAreWrittenInTheFormatOfTheTemplate() {
        Turn call = new Turn(Turn.Role.CALLS, "{\"name\": \"f\", \"arguments\": {\"a\": 1}}");
        Dialogue dialogue =
                new Dialogue(
                        List.of(new Turn(Turn.Role.USER, "Q"), call),
                        "",
                        List.of(Map.of("name", "f")));
        assertThat(writer("llama3", Thinking.ON).exchanges(dialogue).getFirst().target())
                .containsExactly(text("{\"name\": \"f\", \"parameters\": {\"a\": 1}}<|eot_id|>"));
    }

    @Test
    void everyTemplateWritesTheSameInTheLanguageOfModels() {
        List<Map<String, Object>> messages =
                List.of(
                        Map.of("role", "system", "content", "Be {{ brief }}."),
                        Map.of("role", "user", "content", "Q\n"),
                        Map.of("role", "assistant", "content", "A"),
                        Map.of("role", "user", "content", "R"),
                        Map.of("role", "assistant", "content", "B"));
        for (String name : NamedTemplates.names()) {
            NamedTemplate template = NamedTemplates.find(name).orElseThrow();
            StringBuilder wanted = new StringBuilder();
            List<String> answers = new java.util.ArrayList<>();
            for (Exchange exchange :
                    writer(name, Thinking.ON)
                            .exchanges(dialogue("Be {{ brief }}.", "Q\n", "A", "R", "B"))) {
                wanted.append(plain(template, exchange.source()));
                answers.add(plain(template, exchange.target()));
                wanted.append(answers.getLast());
            }
            String end = template.ending().efficient() ? eos(template) : "";
            Rendered rendered =
                    ChatTemplate.compile(TemplateSource.of(template))
                            .render(
                                    ChatInput.of(
                                            messages,
                                            Map.of("bos_token", "<s>", "eos_token", "</s>"),
                                            java.time.LocalDateTime.of(2024, 2, 29, 0, 0)));
            assertThat(rendered.text()).as(name).isEqualTo(wanted + end);
            assertThat(
                            rendered.spans().stream()
                                    .map(span ->
                                            rendered.text().substring(span.start(), span.end())))
                    .as(name)
                    .containsExactly(answers.getFirst(), answers.getLast() + end);
        }
    }

    @Test
    void everyTemplateThatThinksDoesItOrNotAsTheWriterDoes() {
        List<String> seen = new java.util.ArrayList<>();
        for (String name : NamedTemplates.names()) {
            NamedTemplate template = NamedTemplates.find(name).orElseThrow();
            if (!template.thinks()) {
                continue;
            }
            seen.add(name);
            NamedTemplate.Marks marks = template.marks();
            String thought = marks.thoughtOpen() + "hm {{ x }}" + marks.thoughtClose();
            String[] texts = {"Q", thought + "A", "R", "B", "S", marks.thoughtOpen() + "cut"};
            for (Thinking.Mode mode : Thinking.Mode.values()) {
                Writer writer = writer(name, new Thinking(mode, false, false));
                StringBuilder wanted = new StringBuilder();
                List<String> answers = new java.util.ArrayList<>();
                for (Exchange exchange : writer.exchanges(dialogue("", texts))) {
                    wanted.append(plain(template, exchange.source()));
                    answers.add(plain(template, exchange.target()));
                    wanted.append(answers.getLast());
                }
                String end = template.ending().efficient() ? eos(template) : "";

                Rendered rendered = thinking(template, mode, false, texts);

                assertThat(rendered.text()).as("%s %s", name, mode).isEqualTo(wanted + end);
                assertThat(
                                rendered.spans().stream()
                                        .map(span ->
                                                rendered.text()
                                                        .substring(span.start(), span.end())))
                        .as("%s %s", name, mode)
                        .containsExactly(answers.get(0), answers.get(1), answers.get(2) + end);
                String prompt = thinking(template, mode, true, "Q").text();
                assertThat(prompt)
                        .as("what is served with %s %s is what was trained", name, mode)
                        .isEqualTo(
                                plain(
                                        template,
                                        writer.exchanges(dialogue("", "Q", "A"))
                                                .getFirst()
                                                .source()));
            }
        }
        assertThat(seen)
                .contains("qwen3", "deepseekr1", "glm4_7", "gpt_oss")
                .hasSizeGreaterThan(10);
    }

    /// Kills: dropping a thought that is no part of the text, or writing it a second time.
    @Test
    void aThoughtBesideTheTextIsWrittenAsOneInsideIt() {
        for (String name : NamedTemplates.names()) {
            NamedTemplate template = NamedTemplates.find(name).orElseThrow();
            NamedTemplate.Marks marks = template.marks();
            String inside = marks.thoughtOpen() + "hm {{ x }}" + marks.thoughtClose();
            for (Thinking.Mode mode : Thinking.Mode.values()) {
                for (String key : List.of("reasoning_content", "thinking", "reasoning")) {
                    Rendered wanted =
                            template.thinks()
                                    ? thinking(template, mode, true, "Q", inside + "A", "R", "B")
                                    : thinking(template, mode, true, "Q", "A", "R", "B");
                    Map<String, Object> beside =
                            Map.of("role", "assistant", "content", "\nA", key, "\nhm {{ x }}\n");
                    Map<String, Object> without =
                            Map.of("role", "assistant", "content", "A", key, "hm");
                    Rendered found =
                            rendered(
                                    template,
                                    mode,
                                    true,
                                    List.of(
                                            user("Q"),
                                            template.thinks() ? beside : without,
                                            user("R"),
                                            Map.of("role", "assistant", "content", "B", key, "")));
                    assertThat(found).as("%s %s %s", name, mode, key).isEqualTo(wanted);
                }
            }
            if (template.thinks()) {
                Map<String, Object> both =
                        Map.of("role", "assistant", "content", inside + "A", "thinking", "other");
                assertThat(rendered(template, Thinking.Mode.ON, false, List.of(user("Q"), both)))
                        .as(name)
                        .isEqualTo(thinking(template, Thinking.Mode.ON, false, "Q", inside + "A"));
            }
        }
    }

    private static Map<String, Object> user(String text) {
        return Map.of("role", "user", "content", text);
    }

    private static Rendered thinking(
            NamedTemplate template, Thinking.Mode mode, boolean prompt, String... texts) {
        List<Map<String, Object>> messages = new java.util.ArrayList<>();
        for (int i = 0; i < texts.length; i++) {
            messages.add(Map.of("role", i % 2 == 0 ? "user" : "assistant", "content", texts[i]));
        }
        return rendered(template, mode, prompt, messages);
    }

    private static Rendered rendered(
            NamedTemplate template,
            Thinking.Mode mode,
            boolean prompt,
            List<Map<String, Object>> messages) {
        ChatInput plain =
                ChatInput.of(
                        messages,
                        Map.of("bos_token", "<s>", "eos_token", "</s>"),
                        TODAY.atStartOfDay());
        ChatInput input =
                switch (mode) {
                    case ON -> plain;
                    case OFF -> plain.with("enable_thinking", false);
                    case AS_GIVEN -> plain.with("enable_thinking", null);
                };
        return ChatTemplate.compile(TemplateSource.of(template))
                .render(prompt ? input.withGenerationPrompt() : input);
    }

    @Test
    void whatAnEarlierBuildWroteIsStillKnown() throws IOException {
        List<String> earlier =
                Files.readAllLines(Path.of("..", "golden/text/earlier_templates.txt"));
        assertThat(earlier).hasSizeGreaterThan(10);
        int changed = 0;
        for (String line : earlier) {
            String source = line.translateEscapes();
            NamedTemplate found =
                    NamedTemplates.written(source)
                            .orElseThrow(() -> new AssertionError("not known: " + line));
            assertThat(source).startsWith("{# " + found.name() + " #}");
            changed += source.equals(TemplateSource.of(found)) ? 0 : 1;
        }
        assertThat(changed).as("sources that differ from those of today").isPositive();
    }

    @Test
    void aSourceThatWritesOtherwiseIsNotTheNamedOne() {
        String source = TemplateSource.of(NamedTemplates.find("qwen").orElseThrow());
        assertThat(NamedTemplates.written(source)).isPresent();
        assertThat(NamedTemplates.written(source.replace("<|im_end|>", "<|end|>"))).isEmpty();
        assertThat(NamedTemplates.written(source.replace("{# qwen #}", ""))).isEmpty();
        assertThat(NamedTemplates.written(source.replace("{# qwen #}", "{# mine #}"))).isEmpty();
        assertThat(NamedTemplates.written("{# qwen #}{% for x in %}")).isEmpty();
        assertThat(NamedTemplates.written("{# qwen #}{{ raise_exception('no') }}")).isEmpty();
    }

    @Test
    void everyTemplateWritesFunctionsTheSameInTheLanguageOfModels() {
        List<Map<String, Object>> tools =
                List.of(
                        Map.of(
                                "type",
                                "function",
                                "function",
                                Map.of(
                                        "name",
                                        "f",
                                        "description",
                                        "d",
                                        "parameters",
                                        Map.of("type", "object", "properties", Map.of()))));
        Map<String, Object> call =
                Map.of("function", Map.of("name", "f", "arguments", "{\"a\": 1}"));
        List<Map<String, Object>> messages =
                List.of(
                        Map.of("role", "user", "content", "Q"),
                        Map.of("role", "assistant", "content", "", "tool_calls", List.of(call)),
                        Map.of("role", "tool", "content", "it is 3"),
                        Map.of("role", "assistant", "content", "B"));
        List<Turn> turns =
                List.of(
                        new Turn(Turn.Role.USER, "Q"),
                        new Turn(Turn.Role.CALLS, "[{\"name\": \"f\", \"arguments\": {\"a\": 1}}]"),
                        new Turn(Turn.Role.RESULT, "it is 3"),
                        new Turn(Turn.Role.ASSISTANT, "B"));
        for (String name : NamedTemplates.names()) {
            NamedTemplate template = NamedTemplates.find(name).orElseThrow();
            String source = TemplateSource.of(template);
            StringBuilder wanted = new StringBuilder();
            for (Exchange exchange :
                    writer(name, Thinking.ON).exchanges(new Dialogue(turns, "", tools))) {
                wanted.append(plain(template, exchange.source()))
                        .append(plain(template, exchange.target()));
            }
            String end = template.ending().efficient() ? eos(template) : "";

            Rendered rendered =
                    ChatTemplate.compile(source)
                            .render(
                                    ChatInput.of(
                                            new FunctionTexts(template, TODAY)
                                                    .written(messages, tools),
                                            Map.of("bos_token", "<s>", "eos_token", "</s>"),
                                            TODAY.atStartOfDay()));

            assertThat(rendered.text()).as(name).isEqualTo(wanted + end);
            assertThat(NamedTemplates.written(source)).hasValue(template);
        }
    }

    @Test
    void aCallWithoutItsTextIsNoEmptyAnswer() {
        ChatTemplate compiled =
                ChatTemplate.compile(TemplateSource.of(NamedTemplates.find("qwen").orElseThrow()));
        List<Map<String, Object>> messages =
                List.of(
                        Map.of("role", "user", "content", "Q"),
                        Map.of("role", "assistant", "content", "", "tool_calls", List.of("x")));

        assertThatThrownBy(() ->
                        compiled.render(ChatInput.of(messages, Map.of(), TODAY.atStartOfDay())))
                .hasMessageContaining("calls are written");
    }

    @Test
    void resultsOfParallelCallsAreOneTurn() {
        FunctionTexts texts = new FunctionTexts(NamedTemplates.find("qwen").orElseThrow(), TODAY);

        List<Map<String, Object>> written =
                texts.written(
                        List.of(
                                Map.of("role", "user", "content", "Q"),
                                Map.of("role", "tool", "content", "1"),
                                Map.of("role", "tool", "content", "2")),
                        List.of());

        assertThat(written).hasSize(2);
        assertThat(written.getLast())
                .containsEntry("content", "1\n</tool_response>\n<tool_response>\n2");
    }

    private static String eos(NamedTemplate template) {
        return template.ending().endToken().orElse("</s>");
    }

    private static String plain(NamedTemplate template, List<Piece> pieces) {
        StringBuilder text = new StringBuilder();
        for (Piece piece : pieces) {
            text.append(
                    switch (piece) {
                        case Piece.Text(String words) -> words;
                        case Piece.Token(String name) -> name;
                        case Piece.Special special ->
                                special == Piece.Special.BOS ? "<s>" : eos(template);
                    });
        }
        return text.toString();
    }

    @Test
    void aCallThatIsNoJsonIsRefused() {
        Dialogue dialogue =
                new Dialogue(
                        List.of(new Turn(Turn.Role.USER, "Q"), new Turn(Turn.Role.CALLS, "no")),
                        "",
                        List.of());
        assertThatThrownBy(() -> writer("qwen", Thinking.ON).exchanges(dialogue))
                .isInstanceOf(MalformedCallException.class);
    }
}
