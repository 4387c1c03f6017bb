package dev.tunesmith.contracts.chat;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tunesmith.contracts.tool.MalformedCallException;
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
