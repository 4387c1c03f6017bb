package dev.tunesmith.bench.text;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tunesmith.bench.golden.CaseRunner;
import dev.tunesmith.bench.golden.Comparison;
import dev.tunesmith.bench.golden.GoldenCase;
import dev.tunesmith.bench.golden.UnsupportedCaseException;
import dev.tunesmith.contracts.tool.Json;
import dev.tunesmith.contracts.tool.JsonReader;
import dev.tunesmith.contracts.tool.MalformedCallException;
import dev.tunesmith.contracts.tool.ToolCall;
import dev.tunesmith.contracts.tool.ToolFormat;
import dev.tunesmith.contracts.tool.ToolFormat.Reading;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// `text/lf_tools`: how tools are described and called, and which calls stand in an answer.
public final class ToolFormatCases implements CaseRunner {

    @Override
    public void run(GoldenCase golden, Comparison comparison) {
        String name = golden.folder().getFileName().toString();
        ToolFormat format =
                ToolFormat.named(name)
                        .orElseThrow(() ->
                                new UnsupportedCaseException("no tool format is called " + name));
        LocalDate today =
                LocalDateTime.parse(golden.text("now", "2024-01-01T00:00:00")).toLocalDate();
        JsonNode tree = JsonFiles.tree(golden.folder().resolve(GoldenCase.FILE));
        for (JsonNode row : tree.path("tool_lists")) {
            List<?> tools = (List<?>) value(row.path("tools"));
            comparison.equal(
                    "tools " + row.path("tools"),
                    attempted(() -> format.description(tools == null ? List.of() : tools, today)),
                    row.path("text").asText("error"));
        }
        for (JsonNode row : tree.path("calls")) {
            checkCalls(format, row, comparison);
        }
        for (JsonNode row : tree.path("answers")) {
            String content = row.path("content").asText();
            List<ToolCall> calls = format.calls(content, Reading.AS_LLAMA_FACTORY);
            JsonNode expected = row.path("result");
            comparison.equal(
                    "answer " + content,
                    calls.isEmpty() ? content : calls.toString(),
                    expected.isTextual() ? expected.asText() : calls(expected).toString());
        }
    }

    /// What is written is as expected, and is found again where the format says what is a text.
    private static void checkCalls(ToolFormat format, JsonNode row, Comparison comparison) {
        List<ToolCall> calls = new ArrayList<>();
        for (JsonNode call : row.path("calls")) {
            calls.add(
                    new ToolCall(
                            call.path("name").asText(), Json.line(value(call.path("arguments")))));
        }
        String written = attempted(() -> format.text(calls));
        comparison.equal("calls " + calls, written, row.path("text").asText("error"));
        if (row.has("text") && !row.path("reference_defect").asBoolean()) {
            comparison.equal(
                    "calls found in " + written,
                    format.calls(written, Reading.EXACT).stream()
                            .map(ToolFormatCases::tree)
                            .toList(),
                    calls.stream().map(ToolFormatCases::tree).toList());
        }
    }

    private static Object tree(ToolCall call) {
        // Some formats sort keys, so their order does not count.
        return List.of(call.name(), Optional.ofNullable(JsonReader.read(call.arguments())));
    }

    private interface Step {
        String text();
    }

    private static String attempted(Step step) {
        try {
            return step.text();
        } catch (MalformedCallException _) {
            return "error";
        }
    }

    private static @Nullable Object value(JsonNode node) {
        return JsonReader.read(node.toString());
    }

    private static List<ToolCall> calls(JsonNode list) {
        List<ToolCall> calls = new ArrayList<>();
        list.forEach(call ->
                calls.add(
                        new ToolCall(call.path("name").asText(), call.path("arguments").asText())));
        return calls;
    }
}
