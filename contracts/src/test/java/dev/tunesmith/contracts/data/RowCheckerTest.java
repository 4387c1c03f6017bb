package dev.tunesmith.contracts.data;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.tunesmith.contracts.inspect.Finding;
import dev.tunesmith.contracts.problem.Problem;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class RowCheckerTest {
    private static final String GOOD =
            """
            {"messages":[{"role":"user","content":"hi"},{"role":"assistant","content":"ho"}]}
            """;

    private static RowSummary check(byte[] file) {
        var checker = new RowChecker();
        checker.accept(file, 0, file.length);
        return checker.finish();
    }

    private static RowSummary check(String file) {
        return check(file.getBytes(UTF_8));
    }

    /// The only problem of a chat file whose second line has these messages.
    private static String problemOf(String messages) {
        RowSummary summary = check(GOOD + "{\"messages\":" + messages + "}\n");
        assertThat(summary.problems()).as(messages).hasSize(1);
        Problem problem = summary.problems().getFirst();
        assertThat(problem.line()).isEqualTo(2);
        return problem.text();
    }

    @Test
    void acceptsChatRowsAndCountsThem() {
        RowSummary summary = check(GOOD + GOOD + GOOD.replace("hi", "hello"));
        assertThat(summary)
                .isEqualTo(
                        new RowSummary(
                                RowFormat.CHAT,
                                3,
                                1,
                                GOOD.length() + 2,
                                0,
                                List.of(),
                                summary.figures()));
        assertThat(summary.figures().bytes()).isEqualTo(3L * GOOD.length());
        assertThat(summary.ok()).isTrue();
    }

    @Test
    void seesTheSameRowsHoweverTheBytesArrive() {
        byte[] file = (GOOD + "oops\n" + GOOD.replace("hi", "ü😀").strip()).getBytes(UTF_8);
        RowSummary whole = check(file);
        var checker = new RowChecker();
        for (int i = 0; i < file.length; i++) {
            checker.accept(file, i, 1);
        }
        assertThat(checker.finish()).isEqualTo(whole);
        assertThat(whole.rows()).isEqualTo(3);
        assertThat(whole.problemCount()).isEqualTo(1);
    }

    @Test
    void skipsByteOrderMarkCarriageReturnsAndBlankLinesButCountsTheirLines() {
        RowSummary summary = check("\uFEFF" + GOOD.strip() + "\r\n\r\n  \n" + "nonsense\r\n");
        assertThat(summary.rows()).isEqualTo(2);
        assertThat(summary.problems()).extracting(Problem::line).containsExactly(4L);
    }

    @Test
    void namesAnEmptyFileAndOneWithoutRows() {
        assertThat(check("").problems().getFirst().message()).isEqualTo("the file is empty");
        assertThat(check("\n \n").problems().getFirst().message())
                .isEqualTo("the file has no rows");
    }

    @Test
    void keepsTheFirstTwentyProblemsAndCountsAll() {
        RowSummary summary = check("no\n".repeat(25));
        assertThat(summary.problemCount()).isEqualTo(25);
        assertThat(summary.problems()).hasSize(20);
        assertThat(summary.problems().getLast().line()).isEqualTo(20);
        assertThat(summary.problems().getFirst().message()).startsWith("is not JSON: ");
    }

    @Test
    void refusesBytesThatAreNotUtf8() {
        byte[] file = (GOOD + "ab?\n").getBytes(UTF_8);
        file[file.length - 2] = (byte) 0xC3;
        RowSummary summary = check(file);
        assertThat(summary.problems().getFirst().text())
                .isEqualTo("line 2: is not UTF-8: wrong byte at place 3 of the line");
        assertThat(summary.rows()).isEqualTo(2);
    }

    /// Kills: keeping every problem of a row, of which a line has room for millions.
    @Test
    void whatIsKeptOfALineIsBounded() {
        List<Finding> findings = new ArrayList<>();
        var checker = new RowChecker(findings::add);
        String key = "k".repeat(8 << 20);
        byte[] file =
                "{\"messages\":[%s{}]}\n{\"messages\":[{\"%s\":1,\"role\":\"%s\"}]}\n"
                        .formatted("{},".repeat(1 << 20), key, key)
                        .getBytes(UTF_8);
        checker.accept(file, 0, file.length);
        RowSummary summary = checker.finish();

        assertThat(summary.problemCount()).isLessThan(2000);
        assertThat(findings).hasSizeLessThan(2000).anyMatch(finding -> finding.line() == 2);
        assertThat(findings)
                .allSatisfy(finding -> assertThat(finding.message()).hasSizeLessThan(4100));
        assertThat(summary.problems())
                .allSatisfy(problem -> assertThat(problem.text()).hasSizeLessThan(5000));
    }

    @Test
    void refusesALineOverTheLimitAndGoesOn() {
        byte[] file = new byte[(16 << 20) + 2];
        java.util.Arrays.fill(file, (byte) 'x');
        file[file.length - 1] = '\n';
        var checker = new RowChecker();
        checker.accept(file, 0, file.length);
        checker.accept(GOOD.getBytes(UTF_8), 0, GOOD.length());
        RowSummary summary = checker.finish();
        assertThat(summary.problems()).hasSize(1);
        assertThat(summary.problems().getFirst().text()).contains("line 1").contains("16777217");
        assertThat(summary.rows()).isEqualTo(2);
        assertThat(summary.format()).isEqualTo(RowFormat.CHAT);
    }

    @ParameterizedTest
    @ValueSource(strings = {"[1]", "5", "\"text\"", "null"})
    void refusesWhatIsNoObject(String line) {
        assertThat(check(line).problems().getFirst().message()).contains("expected a JSON object");
    }

    @Test
    void refusesRowsOfTwoFormatsInOneFile() {
        RowSummary summary = check("\n{\"text\":\"a\"}\n" + GOOD);
        assertThat(summary.format()).isEqualTo(RowFormat.TEXT);
        assertThat(summary.problems().getFirst().text())
                .isEqualTo("line 3: is a row of format chat, but line 2 is of format text");
    }

    @Test
    void refusesARowOfNoFormat() {
        assertThat(check("{\"txet\":\"a\"}").problems().getFirst().message())
                .contains("messages (chat), prompt (completion), text, preferred_output");
    }

    @Test
    void acceptsTextAndCompletionRows() {
        assertThat(check("{\"text\":\"a\"}").format()).isEqualTo(RowFormat.TEXT);
        assertThat(check("{\"prompt\":\"\",\"completion\":\"b\"}").ok()).isTrue();
        assertThat(check("{\"text\":\"\"}").problems().getFirst().text())
                .isEqualTo("line 1: text: expected a text that is not empty");
        assertThat(check("{\"prompt\":1,\"completion\":\"\"}").problemCount()).isEqualTo(2);
    }

    @Test
    void refusesConversationsWithoutAnythingToLearn() {
        assertThat(problemOf("[{\"role\":\"user\",\"content\":\"x\"}]"))
                .contains("no assistant message");
        assertThat(problemOf("[{\"role\":\"assistant\",\"content\":\"x\",\"weight\":0}]"))
                .contains("weight 0");
        assertThat(problemOf("[{\"role\":\"assistant\",\"content\":\"\"}]"))
                .contains("messages.0.content: the answer is empty");
        assertThat(problemOf("[]")).contains("at least one message");
        assertThat(problemOf("{}")).contains("at least one message");
    }

    @Test
    void namesTheFaultInAMessage() {
        String answer = ",{\"role\":\"assistant\",\"content\":\"x\"}]";
        assertThat(problemOf("[5" + answer)).contains("messages.0: expected an object");
        assertThat(problemOf("[{\"content\":\"x\"}" + answer))
                .contains("messages.0.role: is missing");
        assertThat(problemOf("[{\"role\":\"usr\",\"content\":\"x\"}" + answer))
                .contains("found \"usr\"")
                .endsWith("did you mean user?");
        assertThat(problemOf("[{\"role\":\"user\"}" + answer)).contains("content: is missing");
        assertThat(problemOf("[{\"role\":\"user\",\"content\":7}" + answer))
                .contains("expected a text or a list of parts");
        assertThat(problemOf("[{\"role\":\"user\",\"content\":\"x\",\"contnet\":\"y\"}" + answer))
                .endsWith("did you mean content?");
        assertThat(problemOf("[{\"role\":\"user\",\"content\":\"x\",\"weight\":1}" + answer))
                .contains("only assistant messages");
        assertThat(problemOf("[{\"role\":\"tool\",\"content\":\"x\"}" + answer))
                .contains("tool_call_id");
        assertThat(problemOf("[{\"role\":\"user\",\"content\":\"x\",\"name\":3}" + answer))
                .contains("name: expected a text");
        assertThat(
                        problemOf(
                                "[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\"}]}"
                                        + answer))
                .contains("content.0")
                .contains("or a picture as");
        assertThat(problemOf("[{\"role\":\"assistant\",\"content\":\"x\",\"weight\":0.5}]"))
                .contains("expected 0 or 1, found 0.5");
    }

    @Test
    void checksCalls() {
        String calls = "[{\"role\":\"assistant\",\"tool_calls\":%s}]";
        assertThat(problemOf(calls.formatted("[]"))).contains("expected a list of calls");
        assertThat(problemOf(calls.formatted("[{\"function\":{\"name\":\"f\"}}]")))
                .contains("function.arguments");
        RowSummary right =
                check(
                        "{\"messages\":"
                                + calls.formatted(
                                        "[{\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}]")
                                + "}");
        assertThat(right.problems()).isEmpty();
    }

    @Test
    void readsARowThatIsInOrder() throws Exception {
        var rules = new RowRules(1);
        Object tree =
                new StrictJson()
                        .read(
                                "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"a\"},"
                                        + "{\"type\":\"text\",\"text\":\"b\"}],\"name\":\"n\"},"
                                        + "{\"role\":\"assistant\",\"content\":\"x\",\"weight\":0},"
                                        + "{\"role\":\"assistant\",\"content\":\"y\",\"weight\":1}]}");
        @SuppressWarnings("unchecked")
        var map = (java.util.Map<String, Object>) java.util.Objects.requireNonNull(tree);
        Row row = rules.row(RowFormat.CHAT, map).orElseThrow();
        assertThat(row)
                .isEqualTo(
                        new Row.Chat(
                                List.of(
                                        new Row.Message(
                                                Row.Role.USER,
                                                "ab",
                                                java.util.Optional.of("n"),
                                                false),
                                        new Row.Message(
                                                Row.Role.ASSISTANT,
                                                "x",
                                                java.util.Optional.empty(),
                                                false),
                                        new Row.Message(
                                                Row.Role.ASSISTANT,
                                                "y",
                                                java.util.Optional.empty(),
                                                true))));
    }
}
