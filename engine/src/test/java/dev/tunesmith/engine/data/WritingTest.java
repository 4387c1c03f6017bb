package dev.tunesmith.engine.data;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tunesmith.contracts.job.Overflow;
import dev.tunesmith.contracts.method.Method;
import dev.tunesmith.contracts.mixture.TrainedTurns;
import dev.tunesmith.contracts.template.ChatOptions;
import dev.tunesmith.engine.data.DatasetTokenizer.Options;
import dev.tunesmith.engine.io.ModelDirectory;
import dev.tunesmith.engine.io.SafetensorsWriter;
import dev.tunesmith.engine.text.NamedFormat;
import dev.tunesmith.engine.text.Tokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// What a job or a request may say of how conversations are written: variables of the template, and
/// whether texts name control tokens. Training and serving do the same with it.
final class WritingTest {

    private static final Path QWEN = Path.of("..", "golden/text/tokenizers/qwen2_byte_bpe");

    /// The end of the published template of Qwen3.
    private static final String QWEN3 =
            """
            {%- for m in messages -%}
            {{- '<|im_start|>' + m.role + '\\n' -}}
            {%- if m.role == 'assistant' -%}
            {%- generation -%}{{- m.content + '<|im_end|>' -}}{%- endgeneration -%}
            {%- else -%}{{- m.content + '<|im_end|>' -}}{%- endif -%}
            {{- '\\n' -}}
            {%- endfor -%}
            {%- if add_generation_prompt -%}
            {{- '<|im_start|>assistant\\n' -}}
            {%- if enable_thinking is defined and enable_thinking is false -%}
            {{- '<think>\\n\\n</think>\\n\\n' -}}
            {%- endif -%}
            {%- endif -%}
            """;

    private static final List<Map<String, Object>> QUESTION =
            List.of(Map.of("role", "user", "content", "a<|im_end|>b"));
    private static final ChatOptions QUIET = ChatOptions.of(Map.of("enable_thinking", false));
    private static final ChatOptions PARSED = new ChatOptions(Map.of(), true);
    private static final String ROW =
            "{\"messages\":[{\"role\":\"user\",\"content\":\"a<|im_end|>b\"},"
                    + "{\"role\":\"assistant\",\"content\":\"c\"}]}";

    @TempDir Path folder;

    @BeforeEach
    void writeModel() throws IOException {
        Files.writeString(folder.resolve("config.json"), "{}");
        for (String name : List.of("tokenizer.json", "tokenizer_config.json")) {
            Files.copy(QWEN.resolve(name), folder.resolve(name));
        }
        new SafetensorsWriter(Map.of()).write(folder.resolve("model.safetensors"));
    }

    private void brings(String template) throws IOException {
        Files.writeString(folder.resolve("chat_template.jinja"), template);
    }

    private ModelDirectory model() {
        return ModelDirectory.open(folder);
    }

    private String served(ChatOptions options) {
        try (Tokenizer tokenizer = Tokenizer.open(folder.resolve("tokenizer.json"))) {
            ChatEncoder encoder =
                    new ChatEncoder(
                            tokenizer, TemplateFormat.of(model(), TemplateFormat.TRAINING_TIME));
            return tokenizer.decode(encoder.with(options).prompt(QUESTION), false);
        }
    }

    private Trained trained(ChatOptions options, Optional<String> named) throws IOException {
        Path file = Files.writeString(folder.resolveSibling(folder.getFileName() + ".jsonl"), ROW);
        Options asked =
                new Options(
                        Method.SUPERVISED, 1000, Overflow.ERROR, TrainedTurns.ANSWERS, 3, options);
        try (DatasetTokenizer rows =
                        DatasetTokenizer.of(model(), asked, named, ChatEncoder.Sight.NONE);
                Tokenizer tokenizer = Tokenizer.open(folder.resolve("tokenizer.json"))) {
            DatasetTokenizer.Tokenized read = rows.read(file);
            assertThat(read.problems()).isEmpty();
            Sample sample = read.samples().getFirst();
            int first = 0;
            while (sample.weights()[first] == 0) {
                first++;
            }
            int control = 0;
            for (int id : sample.ids()) {
                control += tokenizer.isSpecial(id) ? 1 : 0;
            }
            return new Trained(
                    tokenizer.decode(Arrays.copyOf(sample.ids(), first), false),
                    tokenizer.decode(
                            Arrays.copyOfRange(sample.ids(), first, sample.length()), false),
                    control,
                    rows.identity());
        } finally {
            Files.delete(file);
        }
    }

    /// @param before what is not trained, up to the answer
    /// @param answer the rest
    /// @param control how many tokens are control tokens
    private record Trained(String before, String answer, int control, String identity) {}

    @Test
    void aVariableReachesTheModelsOwnTemplateInTrainingAndServing() throws IOException {
        brings(QWEN3.replace("{%- generation -%}", "").replace("{%- endgeneration -%}", ""));
        assertThat(served(ChatOptions.NONE)).endsWith("<|im_start|>assistant\n");
        assertThat(served(QUIET)).endsWith("<|im_start|>assistant\n<think>\n\n</think>\n\n");
        assertThat(served(ChatOptions.of(Map.of("enable_thinking", true, "unknown", 7))))
                .isEqualTo(served(ChatOptions.NONE));

        brings(
                QWEN3.replace(
                        "{%- generation -%}",
                        "{%- if enable_thinking is false -%}{{- '<think>\\n\\n</think>\\n\\n' -}}"
                                + "{%- endif -%}{%- generation -%}"));
        Trained thinks = trained(ChatOptions.NONE, Optional.empty());
        Trained quiet = trained(QUIET, Optional.empty());
        assertThat(thinks.before()).isEqualTo(served(ChatOptions.NONE));
        assertThat(quiet.before()).isEqualTo(served(QUIET)).isNotEqualTo(thinks.before());
        assertThat(quiet.answer()).isEqualTo(thinks.answer()).isEqualTo("c<|im_end|>\n");
        assertThat(quiet.identity()).isNotEqualTo(thinks.identity());
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aNamedTemplateThinksOrNotInTrainingAndServing(boolean thinks) throws IOException {
        ChatOptions options = ChatOptions.of(Map.of("enable_thinking", thinks));
        String source = NamedFormat.source(model(), "qwen3").orElseThrow();
        Trained trained = trained(options, Optional.of(source));
        brings(source);

        assertThat(served(options)).isEqualTo(trained.before());
        String thought = "<think>\n\n</think>\n\n";
        if (thinks) {
            assertThat(trained.before()).endsWith("assistant\n");
            assertThat(trained.answer()).startsWith(thought);
        } else {
            assertThat(trained.before()).endsWith("assistant\n" + thought);
            assertThat(trained.answer()).isEqualTo("c<|im_end|>\n");
        }
    }

    @Test
    void whatAModelWasTrainedWithIsWhatItIsServedWith(@TempDir Path adapter) throws IOException {
        brings(QWEN3);
        Map<String, Object> asked = new LinkedHashMap<>(Map.of("enable_thinking", false));
        asked.put("nothing", null);

        NamedFormat.writeVariables(NamedFormat.variables(model(), Optional.empty(), asked), folder);

        assertThat(served(ChatOptions.NONE)).contains("</think>");
        assertThat(served(ChatOptions.of(Map.of("enable_thinking", true))))
                .as("a request has the last word")
                .doesNotContain("</think>");
        NamedFormat.writeVariables(
                NamedFormat.variables(model(), Optional.empty(), Map.of("more", 1)), folder);
        assertThat(model().chatVariables())
                .containsEntry("enable_thinking", false)
                .containsEntry("more", 1);
        NamedFormat.writeVariables(Map.of("enable_thinking", true, "own", 1), adapter);
        assertThat(NamedFormat.variables(model(), Optional.of(adapter), Map.of("more", 2)))
                .as("of the model, of the adapter that training goes on from, of the job")
                .containsEntry("enable_thinking", true)
                .containsEntry("own", 1)
                .containsEntry("more", 2);
    }

    @Test
    void textsNameControlTokensOnlyIfThatIsAskedFor() throws IOException {
        brings(QWEN3);
        Trained literal = trained(ChatOptions.NONE, Optional.empty());
        Trained parsed = trained(PARSED, Optional.empty());
        assertThat(literal.before()).isEqualTo(parsed.before());
        assertThat(literal.control()).isEqualTo(4);
        assertThat(parsed.control()).isEqualTo(5);
        assertThat(parsed.identity()).isNotEqualTo(literal.identity());
        try (Tokenizer tokenizer = Tokenizer.open(folder.resolve("tokenizer.json"))) {
            ChatEncoder encoder =
                    new ChatEncoder(
                            tokenizer, TemplateFormat.of(model(), TemplateFormat.TRAINING_TIME));
            assertThat(control(tokenizer, encoder.prompt(QUESTION))).isEqualTo(3);
            assertThat(control(tokenizer, encoder.with(PARSED).prompt(QUESTION))).isEqualTo(4);
            List<Map<String, Object>> marked =
                    List.of(Map.of("role", "user", "content", "a\uFDD0\uFDD1b"));
            assertThat(tokenizer.decode(encoder.with(PARSED).prompt(marked), false))
                    .as("a noncharacter is no mark")
                    .contains("a\uFFFD");
            TextEncoder texts = TextEncoder.of(model(), tokenizer).orElseThrow();
            assertThat(control(tokenizer, texts.sample("a<|im_end|>b").ids()))
                    .isEqualTo(
                            control(tokenizer, texts.parsing().sample("a<|im_end|>b").ids()) - 1);
        }
    }

    /// A variable is a text of a user like any other.
    @Test
    void variablesCannotNameControlTokensEither() throws IOException {
        brings("{{ messages[0].content }}{{ extra }}");
        ChatOptions extra = ChatOptions.of(Map.of("extra", "<|im_end|>"));
        try (Tokenizer tokenizer = Tokenizer.open(folder.resolve("tokenizer.json"))) {
            ChatEncoder encoder =
                    new ChatEncoder(
                            tokenizer, TemplateFormat.of(model(), TemplateFormat.TRAINING_TIME));
            int[] ids = encoder.with(extra).prompt(QUESTION);
            assertThat(tokenizer.decode(ids, false)).isEqualTo("a<|im_end|>b<|im_end|>");
            assertThat(control(tokenizer, ids)).isZero();
        }
    }

    private static long control(Tokenizer tokenizer, int[] ids) {
        return Arrays.stream(ids).filter(tokenizer::isSpecial).count();
    }
}
