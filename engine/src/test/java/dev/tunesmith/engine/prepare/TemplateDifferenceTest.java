package dev.tunesmith.engine.prepare;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tunesmith.contracts.chat.NamedTemplates;
import dev.tunesmith.contracts.chat.TemplateSource;
import dev.tunesmith.contracts.method.Method;
import dev.tunesmith.contracts.mixture.Reading;
import dev.tunesmith.contracts.template.ChatOptions;
import dev.tunesmith.engine.io.ModelDirectory;
import dev.tunesmith.engine.io.SafetensorsWriter;
import dev.tunesmith.engine.rows.RowSource;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class TemplateDifferenceTest {

    private static final String CHATML =
            """
            {%- for m in messages %}<|im_start|>{{ m.role }}
            {% if m.role == 'assistant' %}{% generation %}{{ m.content }}{% endgeneration %}{% else %}{{ m.content }}{% endif %}<|im_end|>
            {% endfor %}\
            """;

    @TempDir private Path folder;
    private Path model = Path.of("");

    @BeforeEach
    void makeModel() throws IOException {
        model = Files.createDirectory(folder.resolve("model"));
        Files.writeString(model.resolve("config.json"), "{}");
        new SafetensorsWriter(Map.of()).write(model.resolve("model.safetensors"));
    }

    private void brings(String template) throws IOException {
        Files.writeString(model.resolve("chat_template.jinja"), template);
    }

    private Optional<TemplateDifference> compared(String named, String... answers)
            throws IOException {
        StringBuilder rows = new StringBuilder();
        for (String answer : answers) {
            rows.append(
                    """
                    {"messages":[{"role":"user","content":"q"},{"role":"assistant","content":"%s"}]}
                    """
                            .formatted(answer));
        }
        Path file = folder.resolve("rows.jsonl");
        Files.writeString(file, rows);
        return TemplateDifference.of(
                ModelDirectory.open(model),
                new TemplateDifference.Wish(named, ChatOptions.NONE),
                RowSource.of(file),
                Reading.RECOGNISED,
                Method.SUPERVISED);
    }

    @Test
    void aModelWithoutATemplateHasNothingToCompare() throws IOException {
        assertThat(compared("llama3", "a")).isEmpty();
    }

    @Test
    void theSameTextFromAnotherSourceIsNoDifference() throws IOException {
        brings("{# mine #}" + TemplateSource.of(NamedTemplates.find("llama3").orElseThrow()));

        TemplateDifference found = compared("llama3", "a", "b").orElseThrow();

        assertThat(found.different()).isZero();
        assertThat(found.text()).contains("writes the first 2 rows as template llama3 does");
    }

    @Test
    void theFirstRowThatDiffersIsShownLineByLine() throws IOException {
        brings(
                "{% if messages | length > 1 and messages[1].content == 'odd' %}"
                        + CHATML
                        + "{% else %}"
                        + TemplateSource.of(NamedTemplates.find("llama3").orElseThrow())
                        + "{% endif %}");

        TemplateDifference found = compared("llama3", "a", "b", "odd", "odd").orElseThrow();

        assertThat(found.rows()).isEqualTo(4);
        assertThat(found.different()).isEqualTo(2);
        assertThat(found.first()).isEqualTo(3);
        assertThat(found.difference().lines())
                .contains(
                        "-<|im_start|>user",
                        "+q<|eot_id|><|start_header_id|>assistant<|end_header_id|>");
        assertThat(found.text())
                .contains("would write 2 of the first 4 rows otherwise", "Row 3 (- the model's");
    }

    @Test
    void aRowWithASecretIsNotShown() throws IOException {
        brings(CHATML);
        String secret = "sk-proj-" + "a1B2".repeat(12);

        TemplateDifference found = compared("llama3", "it is " + secret).orElseThrow();

        assertThat(found.different()).isEqualTo(1);
        assertThat(found.text()).contains("not shown").doesNotContain(secret);
    }

    @Test
    void noMoreThanTheFirstRowsAreLookedAt() throws IOException {
        brings(CHATML);
        String[] answers = new String[TemplateDifference.ROWS + 5];
        java.util.Arrays.fill(answers, "a");

        assertThat(compared("llama3", answers).orElseThrow().rows())
                .isEqualTo(TemplateDifference.ROWS);
    }

    @Test
    void aLongLineIsShownFromWhereItDiffers() {
        String same = "same ".repeat(100);

        assertThat(LineDifference.unified(same + "left", same + "right").lines())
                .containsExactly(
                        "-… " + "same ".repeat(4) + "left", "+… " + "same ".repeat(4) + "right");
    }
}
