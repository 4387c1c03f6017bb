package dev.tunesmith.engine.data;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tunesmith.contracts.job.Overflow;
import dev.tunesmith.contracts.method.Method;
import dev.tunesmith.contracts.mixture.TrainedTurns;
import dev.tunesmith.contracts.problem.Problem;
import dev.tunesmith.engine.data.DatasetTokenizer.Options;
import dev.tunesmith.engine.data.DatasetTokenizer.Tokenized;
import dev.tunesmith.engine.io.JsonTree;
import dev.tunesmith.engine.io.ModelDirectory;
import dev.tunesmith.engine.io.SafetensorsWriter;
import dev.tunesmith.engine.text.NamedFormat;
import dev.tunesmith.engine.text.Tokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class DatasetTokenizerTest {

    private static final Path QWEN = Path.of("..", "golden/text/tokenizers/qwen2_byte_bpe");

    /// ChatML in which the line feed behind an answer is not the model's.
    private static final String TEMPLATE =
            """
            {%- for m in messages -%}
            {{ '<|im_start|>' + m.role + '\\n' }}
            {%- if m.role == 'assistant' -%}
            {% generation %}{{ m.content + '<|im_end|>' }}{% endgeneration %}
            {%- else -%}
            {{ m.content + '<|im_end|>' }}
            {%- endif -%}
            {{ '\\n' }}
            {%- endfor -%}
            {%- if add_generation_prompt -%}
            {{ '<|im_start|>assistant\\n' }}
            {%- endif -%}
            """;

    private static final String CALL =
            """
            {"id":"%d","type":"function","function":{"name":"f","arguments":"{}"}}\
            """;

    @TempDir Path folder;
    private Path file = Path.of("");

    @BeforeEach
    void makeModel() throws IOException {
        file = folder.resolve("rows.jsonl");
        Path model = Files.createDirectory(folder.resolve("model"));
        Files.writeString(model.resolve("config.json"), "{}");
        Files.writeString(model.resolve("chat_template.jinja"), TEMPLATE);
        for (String name : List.of("tokenizer.json", "tokenizer_config.json")) {
            Files.copy(QWEN.resolve(name), model.resolve(name));
        }
        new SafetensorsWriter(Map.of()).write(model.resolve("model.safetensors"));
    }

    @Test
    void trainsAnswersWithTheirEndAndNothingElse() throws IOException {
        Sample sample =
                one(
                        """
                        {"messages":[{"role":"system","content":"s"},{"role":"user","content":"a"},\
                        {"role":"assistant","content":"bc"},{"role":"user","content":"d"},\
                        {"role":"assistant","content":"e"}]}\
                        """);

        assertThat(decoded(sample, true)).isEqualTo("bc<|im_end|>e<|im_end|>");
        assertThat(decoded(sample, false))
                .startsWith("<|im_start|>system\ns<|im_end|>\n<|im_start|>user\na<|im_end|>\n");
    }

    @Test
    void findsAnswersWhereTheTemplateDoesNotMarkThem() throws IOException {
        Files.writeString(
                folder.resolve("model/chat_template.jinja"),
                TEMPLATE.replace("{% generation %}", "").replace("{% endgeneration %}", ""));

        Sample sample =
                one(
                        """
                        {"messages":[{"role":"user","content":"a"},\
                        {"role":"assistant","content":"bc"},{"role":"user","content":"d"},\
                        {"role":"assistant","content":"e"}]}\
                        """);

        assertThat(decoded(sample, true)).isEqualTo("bc<|im_end|>\ne<|im_end|>\n");
    }

    @Test
    void rowsWithToolsShowThemAndTheirCallsToTheModel() throws IOException {
        Files.writeString(
                folder.resolve("model/chat_template.jinja"),
                """
                {%- if tools %}{{ tools | tojson }}{% endif -%}
                {%- for m in messages -%}
                [{{ m.role }}]{{ m.content }}
                {%- for c in m.tool_calls or [] %}{{ c.function.arguments | tojson }}{% endfor -%}
                {%- endfor -%}
                {%- if add_generation_prompt %}[assistant]{% endif -%}
                """);

        Sample sample =
                one(
                        """
                        {"tools":[{"type":"function","function":{"name":"f"}}],\
                        "messages":[{"role":"user","content":"a"},\
                        {"role":"assistant","content":"","tool_calls":[{"id":"1","type":"function",\
                        "function":{"name":"f","arguments":"{\\"x\\": 1}"}}]}]}\
                        """);

        assertThat(decoded(sample, false))
                .startsWith("[{\"type\": \"function\"")
                .endsWith("[assistant]{\"x\": 1}");
    }

    @Test
    void aNamedTemplateCountsWhereTheModelBringsNone() throws IOException {
        ModelDirectory model = ModelDirectory.open(folder.resolve("model"));
        assertThat(NamedFormat.source(model, "alpaca")).isEmpty();
        Files.delete(folder.resolve("model/chat_template.jinja"));

        Optional<String> source = NamedFormat.source(model, "alpaca");
        Files.writeString(file, "{\"prompt\":\"a\",\"completion\":\"b\"}\n");
        try (DatasetTokenizer tokenizer =
                DatasetTokenizer.of(
                        model,
                        new DatasetTokenizer.Options(
                                Method.SUPERVISED, 100, Overflow.ERROR, TrainedTurns.ANSWERS, 5),
                        source,
                        ChatEncoder.Sight.NONE)) {
            assertThat(decoded(tokenizer.read(file).samples().getFirst(), false))
                    .contains("### Instruction:\na\n\n### Response:\nb");
        }
    }

    @Test
    void aNamedTemplateWritesFunctionsAndCallsAsItsToolFormatDoes() throws IOException {
        Files.delete(folder.resolve("model/chat_template.jinja"));
        ModelDirectory model = ModelDirectory.open(folder.resolve("model"));
        Files.writeString(
                file,
                """
                {"tools":[{"type":"function","function":{"name":"look<|im_end|>up"}}],\
                "messages":[{"role":"user","content":"a"},\
                {"role":"assistant","content":"","tool_calls":[%s]}]}
                """
                        .formatted(CALL.formatted(1)));
        try (DatasetTokenizer tokenizer =
                DatasetTokenizer.of(
                        model,
                        new Options(
                                Method.SUPERVISED, 1000, Overflow.ERROR, TrainedTurns.ANSWERS, 5),
                        NamedFormat.source(model, "qwen"),
                        ChatEncoder.Sight.NONE)) {
            Tokenized rows = tokenizer.read(file);

            assertThat(rows.problems()).isEmpty();
            Sample sample = rows.samples().getFirst();
            assertThat(decoded(sample, true))
                    .isEqualTo(
                            """
                            <tool_call>
                            {"name": "f", "arguments": {}}
                            </tool_call><|im_end|>
                            """);
            assertThat(decoded(sample, false)).contains("# Tools", "look<|im_end|>up");
            assertThat(controlTokens(sample)).isEqualTo(6);
        }
    }

    @Test
    void callsThatNoTemplateCanWriteAreRefusedByLine() throws IOException {
        Files.delete(folder.resolve("model/chat_template.jinja"));
        String row =
                """
                {"messages":[{"role":"user","content":"a"},\
                {"role":"assistant","content":"","tool_calls":[%s]}]}\
                """
                        .formatted(CALL.formatted(1));

        Tokenized tokenized = read(Method.SUPERVISED, 100, Overflow.ERROR, row);

        assertThat(tokenized.samples()).isEmpty();
        assertThat(tokenized.problems().getFirst().line()).isEqualTo(1);
        assertThat(tokenized.problems().getFirst().message()).contains("empty answer");
    }

    @Test
    void picturesOfAColumnReachTheModelOrAreRefusedByLine() throws IOException {
        Tokenized unseen =
                read(
                        Method.SUPERVISED,
                        100,
                        Overflow.ERROR,
                        """
                        {"instruction":"<image>a","output":"b",\
                        "images":["data:image/png;base64,AA"]}\
                        """);
        Tokenized lost =
                read(
                        Method.SUPERVISED,
                        100,
                        Overflow.ERROR,
                        "{\"instruction\":\"<image>a\",\"output\":\"b\",\"images\":[\"a.png\"]}");

        assertThat(unseen.samples()).isEmpty();
        assertThat(unseen.problems().getFirst().text())
                .contains("line 1", "this model does not see pictures");
        assertThat(lost.problems().getFirst().text())
                .contains("line 1", "\"a.png\" cannot be read here");
    }

    @Test
    void aTableOfQuestionsAndAnswersTrainsLikeAnyOtherFile() throws IOException {
        Path table = folder.resolve("copy-without-a-name");
        Files.writeString(table, "instruction,output\nadd,three\n");
        try (DatasetTokenizer tokenizer =
                DatasetTokenizer.of(
                        ModelDirectory.open(folder.resolve("model")),
                        new DatasetTokenizer.Options(
                                Method.SUPERVISED, 100, Overflow.ERROR, TrainedTurns.ANSWERS, 5))) {
            Tokenized rows = tokenizer.read(table);
            assertThat(rows.problems()).isEmpty();
            assertThat(decoded(rows.samples().getFirst(), true)).isEqualTo("three<|im_end|>");
        }
    }

    @Test
    void aRowThatTheTemplateRefusesIsListed() throws IOException {
        Files.writeString(
                folder.resolve("model/chat_template.jinja"),
                "{{ raise_exception('roles must alternate') }}");

        Tokenized tokenized =
                read(
                        Method.SUPERVISED,
                        100,
                        Overflow.ERROR,
                        "{\"prompt\":\"a\",\"completion\":\"b\"}");

        assertThat(tokenized.problems().getFirst().message()).contains("roles must alternate");
    }

    @Test
    void aMessageOfWeightZeroIsNotTrained() throws IOException {
        Sample sample =
                one(
                        """
                        {"messages":[{"role":"user","content":"a"},\
                        {"role":"assistant","content":"b","weight":0},{"role":"user","content":"c"},\
                        {"role":"assistant","content":"d","weight":1}]}\
                        """);

        assertThat(decoded(sample, true)).isEqualTo("d<|im_end|>");
    }

    @Test
    void historyIsReadButNotTrained() throws IOException {
        String row =
                """
                {"messages":[{"role":"system","content":"Be brief."},\
                {"role":"user","content":"a"},{"role":"assistant","content":"first"},\
                {"role":"user","content":"b"},{"role":"assistant","content":"second"},\
                {"role":"user","content":"c"},\
                {"role":"assistant","content":"third","weight":0}]}\
                """;

        Sample sample = read(TrainedTurns.LAST_ANSWER, row);

        assertThat(decoded(sample, true)).contains("second").doesNotContain("first", "third");
        assertThat(decoded(sample, false)).contains("Be brief.", "first", "third");
        assertThat(read(TrainedTurns.ALL, row).trainedTokens()).isEqualTo(sample.length() - 1);
    }

    private Sample read(TrainedTurns trained, String row) throws IOException {
        Files.write(file, List.of(row));
        Options options = new Options(Method.SUPERVISED, 1000, Overflow.ERROR, trained, 3);
        try (DatasetTokenizer tokenizer =
                DatasetTokenizer.of(ModelDirectory.open(folder.resolve("model")), options)) {
            return tokenizer.read(file).samples().getFirst();
        }
    }

    @Test
    void namesOfControlTokensInRowsStayText() throws IOException {
        Sample sample =
                one(
                        """
                        {"messages":[{"role":"user","content":"x<|im_end|>y"},\
                        {"role":"assistant","content":"<|im_start|>"}]}\
                        """);

        assertThat(decoded(sample, false))
                .isEqualTo(
                        """
                        <|im_start|>user
                        x<|im_end|>y<|im_end|>
                        <|im_start|>assistant
                        <|im_start|><|im_end|>
                        """);
        assertThat(controlTokens(sample)).isEqualTo(4);
    }

    @Test
    void theOlderShapeIsAConversationOfTwoMessages() throws IOException {
        assertThat(decoded(one("{\"prompt\":\"a\",\"completion\":\"b\"}"), true))
                .isEqualTo("b<|im_end|>");
    }

    @Test
    void documentsAreTrainedWholeAndEnd() throws IOException {
        Tokenized tokenized =
                read(Method.PRETRAIN, 4, Overflow.ERROR, "{\"text\":\"a b c d e f\"}");

        assertThat(tokenized.problemCount()).isZero();
        assertThat(decoded(tokenized.samples().getFirst(), true))
                .isEqualTo("a b c d e f<|endoftext|>");
    }

    @Test
    void listsBadRowsByLineAndCountsTheRest() throws IOException {
        Tokenized tokenized =
                read(
                        Method.SUPERVISED,
                        100,
                        Overflow.TRUNCATE,
                        "not json",
                        "",
                        "{\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]}",
                        "{\"messages\":[{\"role\":\"user\",\"content\":7},{\"role\":\"assistant\"}]}",
                        "{\"a\":1,\"a\":2}",
                        "{\"messages\":[{\"role\":\"assistant\",\"content\":\"b\"}]}");

        assertThat(tokenized.problems())
                .extracting(Problem::line)
                .containsExactly(1L, 3L, 4L); // three are listed
        assertThat(tokenized.problemCount()).isEqualTo(5); // line 4 has two
        assertThat(tokenized.problems().get(1).message()).contains("nothing to learn");
        assertThat(tokenized.problems().get(2).param()).isEqualTo("messages.0.content");
        assertThat(tokenized.stats().rows()).isEqualTo(1);
    }

    @Test
    void aLongRowIsCutDroppedOrRefusedButNeverSilently() throws IOException {
        String row =
                "{\"messages\":[{\"role\":\"user\",\"content\":\"%s\"},{\"role\":\"assistant\",\"content\":\"ok\"}]}"
                        .formatted("word ".repeat(60));

        Tokenized cut = read(Method.SUPERVISED, 40, Overflow.TRUNCATE, row);
        assertThat(cut.stats().cutRows()).isEqualTo(1);
        assertThat(cut.stats().longest()).isGreaterThan(40);
        assertThat(cut.samples().getFirst().length()).isLessThanOrEqualTo(40);
        assertThat(decoded(cut.samples().getFirst(), true)).isEqualTo("ok<|im_end|>");
        assertThat(decoded(cut.samples().getFirst(), false)).contains(" … ");

        Tokenized dropped = read(Method.SUPERVISED, 40, Overflow.DROP, row);
        assertThat(dropped.stats().cutRows()).isEqualTo(1);
        assertThat(dropped.samples()).isEmpty();

        Tokenized refused = read(Method.SUPERVISED, 40, Overflow.ERROR, row);
        assertThat(refused.problems().getFirst().message()).contains("more than the 40 allowed");
    }

    @Test
    void theOldestTurnsGoFirstAndTheSystemMessageStays() throws IOException {
        String row =
                """
                {"messages":[{"role":"system","content":"s"},{"role":"user","content":"first"},\
                {"role":"assistant","content":"one"},{"role":"user","content":"second"},\
                {"role":"assistant","content":"two"}]}\
                """;
        int whole = one(row).length();

        Sample sample =
                read(Method.SUPERVISED, whole - 1, Overflow.TRUNCATE, row).samples().getFirst();

        assertThat(decoded(sample, false)).contains("system\ns").doesNotContain("first");
        assertThat(decoded(sample, true)).isEqualTo("two<|im_end|>");
    }

    @Test
    void toolsStayWhateverIsCut() throws IOException {
        Files.writeString(
                folder.resolve("model/chat_template.jinja"),
                "{%- if tools %}{{ tools | tojson }}{% endif -%}\n" + TEMPLATE);
        String row =
                """
                {"tools":[{"type":"function","function":{"name":"lookup"}}],\
                "messages":[{"role":"system","content":"s"},{"role":"user","content":"first"},\
                {"role":"assistant","content":"one"},{"role":"user","content":"second"},\
                {"role":"assistant","content":"two"}]}\
                """;
        int whole = one(row).length();

        Sample cut =
                read(Method.SUPERVISED, whole - 1, Overflow.TRUNCATE, row).samples().getFirst();
        Sample last = read(TrainedTurns.LAST_ANSWER, row);

        assertThat(decoded(cut, false)).contains("lookup", "system\ns").doesNotContain("first");
        assertThat(decoded(last, false)).contains("lookup", "system\ns");
        assertThat(decoded(last, true)).isEqualTo("two<|im_end|>");
    }

    @Test
    void anEndTokenThatPadsIsTrained() throws IOException {
        Path config = folder.resolve("model/tokenizer_config.json");
        Map<String, Object> tree = new LinkedHashMap<>(JsonTree.read(config));
        tree.put("eos_token", "<|im_end|>");
        tree.put("pad_token", "<|im_end|>");
        JsonTree.write(config, tree);

        Sample sample = one("{\"prompt\":\"a\",\"completion\":\"b\"}");

        assertThat(decoded(sample, true)).isEqualTo("b<|im_end|>");
    }

    /// A long question, a long answer, and both: what the template writes around them stays, and
    /// the row is counted.
    @ParameterizedTest
    @CsvSource({"60, 1", "1, 60", "60, 60"})
    void aCutKeepsTheHeaderAndTheEndOfEveryTurn(int question, int answer) throws IOException {
        String row =
                """
                {"messages":[{"role":"system","content":"s"},\
                {"role":"user","content":"%s"},{"role":"assistant","content":"%s"}]}\
                """
                        .formatted("ask ".repeat(question), "word ".repeat(answer));

        Tokenized cut = read(Method.SUPERVISED, 40, Overflow.TRUNCATE, row);

        assertThat(decoded(cut.samples().getFirst(), false))
                .startsWith("<|im_start|>system\ns<|im_end|>\n<|im_start|>user\n")
                .containsOnlyOnce("<|im_end|>\n<|im_start|>assistant\nword")
                .containsPattern("<\\|im_end\\|>\\n?$");
        assertThat(decoded(cut.samples().getFirst(), true))
                .startsWith("word")
                .endsWith("<|im_end|>");
        assertThat(cut.stats().cutRows()).isEqualTo(1);
        assertThat(cut.samples().getFirst().length()).isLessThanOrEqualTo(40);
    }

    @Test
    void anAnswerThatIsTooLongKeepsItsEndToken() throws IOException {
        String row = "{\"prompt\":\"a\",\"completion\":\"%s\"}".formatted("word ".repeat(60));

        Sample sample = read(Method.SUPERVISED, 30, Overflow.TRUNCATE, row).samples().getFirst();

        assertThat(sample.length()).isEqualTo(30);
        assertThat(decoded(sample, true)).endsWith("<|im_end|>");
    }

    @Test
    void anAnswerThatIsTooLongKeepsItsEndWhereTheTemplateMarksNoAnswers() throws IOException {
        String plain = TEMPLATE.replace("{% generation %}", "").replace("{% endgeneration %}", "");
        String row = "{\"prompt\":\"a\",\"completion\":\"%s\"}".formatted("word ".repeat(60));
        for (String end : List.of("<|im_end|>\n", "<|eot_id|>")) {
            Files.writeString(
                    folder.resolve("model/chat_template.jinja"),
                    end.startsWith("<|im")
                            ? plain
                            : plain.replace("<|im_end|>", "<|eot_id|>")
                                    .replace("{{ '\\n' }}\n{%- endfor", "{%- endfor"));

            Sample sample =
                    read(Method.SUPERVISED, 30, Overflow.TRUNCATE, row).samples().getFirst();

            assertThat(sample.length()).isEqualTo(30);
            assertThat(decoded(sample, true)).startsWith("word word").endsWith(end);
        }
    }

    @Test
    void theBuiltInTemplateKeepsTheEndOfALongAnswer() throws IOException {
        Files.delete(folder.resolve("model/chat_template.jinja"));
        String row = "{\"prompt\":\"a\",\"completion\":\"%s\"}".formatted("word ".repeat(60));

        Sample sample = read(Method.SUPERVISED, 30, Overflow.TRUNCATE, row).samples().getFirst();

        assertThat(decoded(sample, true)).endsWith("word<|im_end|>\n");
    }

    /// Also where a template writes nothing behind an answer.
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aRowWithoutRoomForAWordOfTheAnswerIsLeftOut(boolean closed) throws IOException {
        String template =
                closed
                        ? TEMPLATE
                        : TEMPLATE.replace(
                                "{{ m.content + '<|im_end|>' }}{% end", "{{ m.content }}{% end");
        Files.writeString(
                folder.resolve("model/chat_template.jinja"),
                "{%- if tools %}{{ tools | tojson }}{% endif -%}\n" + template);
        String row =
                """
                {"tools":[{"type":"function","function":{"name":"%s"}}],\
                "messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b"}]}\
                """
                        .formatted("lookup".repeat(40));

        Tokenized tokenized = read(Method.SUPERVISED, 20, Overflow.TRUNCATE, row);

        assertThat(tokenized.stats().cutRows()).isEqualTo(1);
        assertThat(tokenized.stats().trainedTokens()).isZero();
        assertThat(tokenized.samples()).isEmpty();
    }

    @Test
    void aCallIsNeverCut() throws IOException {
        Files.writeString(
                folder.resolve("model/chat_template.jinja"),
                TEMPLATE.replace("m.content +", "m.content ~ (m.tool_calls or '') +"));
        String row =
                """
                {"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"",\
                "tool_calls":[{"id":"1","type":"function",\
                "function":{"name":"f","arguments":"{\\"x\\": \\"%s\\"}"}}]}]}\
                """
                        .formatted("word ".repeat(60));

        Tokenized tokenized = read(Method.SUPERVISED, 30, Overflow.TRUNCATE, row);

        assertThat(tokenized.stats().cutRows()).isEqualTo(1);
        assertThat(tokenized.samples()).isEmpty();
    }

    @Test
    void aCutInsideAQuestionTrainsOnlyAnswersBeforeIt() throws IOException {
        String row =
                """
                {"messages":[{"role":"user","content":"a"},\
                {"role":"assistant","content":"one","tool_calls":[%s]},\
                {"role":"tool","tool_call_id":"1","content":"r"},\
                {"role":"assistant","content":"%s","weight":0,"tool_calls":[%s]},\
                {"role":"tool","tool_call_id":"2","content":"r"},\
                {"role":"assistant","content":"two"}]}\
                """
                        .formatted(CALL.formatted(1), "word ".repeat(60), CALL.formatted(2));
        Files.writeString(
                folder.resolve("model/chat_template.jinja"), TEMPLATE + "{# tool_calls #}");

        Sample sample = read(Method.SUPERVISED, 30, Overflow.TRUNCATE, row).samples().getFirst();

        assertThat(decoded(sample, true)).isEqualTo("one<|im_end|>");
        assertThat(decoded(sample, false)).endsWith("one<|im_end|>");
    }

    @Test
    void countsTokensAndDuplicates() throws IOException {
        String row = "{\"prompt\":\"a\",\"completion\":\"b\"}";
        Tokenized tokenized = read(Method.SUPERVISED, 100, Overflow.TRUNCATE, row, row);

        assertThat(tokenized.stats().duplicateRows()).isEqualTo(1);
        assertThat(tokenized.stats().trainedTokens()).isEqualTo(4);
        assertThat(tokenized.stats().tokens()).isEqualTo(2L * tokenized.stats().median());
    }

    @Test
    void anEmptyFileIsRefused() throws IOException {
        Tokenized empty = read(Method.SUPERVISED, 100, Overflow.TRUNCATE);

        assertThat(empty.stats().rows()).isZero();
        assertThat(empty.problems().getFirst().message()).isEqualTo("the file is empty");
    }

    @Test
    void aWrongByteIsListedWithItsLine() throws IOException {
        Files.write(file, new byte[] {'{', '"', 'a', '"', ':', '"', (byte) 0xC3, '"', '}', '\n'});
        Options options =
                new Options(Method.PRETRAIN, 100, Overflow.ERROR, TrainedTurns.ANSWERS, 3);
        try (DatasetTokenizer tokenizer =
                DatasetTokenizer.of(ModelDirectory.open(folder.resolve("model")), options)) {
            Tokenized tokenized = tokenizer.read(file);

            assertThat(tokenized.problemCount()).isEqualTo(1);
            assertThat(tokenized.problems().getFirst().text()).contains("line 1").contains("UTF-8");
        }
    }

    private Sample one(String row) throws IOException {
        return read(Method.SUPERVISED, 1000, Overflow.ERROR, row).samples().getFirst();
    }

    private Tokenized read(Method method, int lengthMax, Overflow overflow, String... lines)
            throws IOException {
        Files.write(file, List.of(lines));
        Options options = new Options(method, lengthMax, overflow, TrainedTurns.ANSWERS, 3);
        try (DatasetTokenizer tokenizer =
                DatasetTokenizer.of(ModelDirectory.open(folder.resolve("model")), options)) {
            return tokenizer.read(file);
        }
    }

    private static String decoded(Sample sample, boolean trainedOnly) {
        int[] ids = new int[sample.length()];
        int count = 0;
        for (int i = 0; i < ids.length; i++) {
            if (!trainedOnly || sample.weights()[i] > 0) {
                ids[count++] = sample.ids()[i];
            }
        }
        try (Tokenizer tokenizer = Tokenizer.open(QWEN.resolve("tokenizer.json"))) {
            return tokenizer.decode(java.util.Arrays.copyOf(ids, count), false);
        }
    }

    private static int controlTokens(Sample sample) {
        try (Tokenizer tokenizer = Tokenizer.open(QWEN.resolve("tokenizer.json"))) {
            int count = 0;
            for (int id : sample.ids()) {
                count += tokenizer.isSpecial(id) ? 1 : 0;
            }
            return count;
        }
    }
}
