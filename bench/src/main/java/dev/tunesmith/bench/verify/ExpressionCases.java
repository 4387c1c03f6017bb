package dev.tunesmith.bench.verify;

import dev.tunesmith.bench.golden.CaseRunner;
import dev.tunesmith.bench.golden.Comparison;
import dev.tunesmith.bench.golden.GoldenCase;
import dev.tunesmith.bench.golden.UnsupportedCaseException;
import dev.tunesmith.contracts.jinja.TemplateException;
import dev.tunesmith.contracts.template.ChatTemplate;
import dev.tunesmith.engine.data.JsonLines;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/// Group `text/jinja_expressions`: single expressions over one context.
final class ExpressionCases implements CaseRunner {

    @Override
    public void run(GoldenCase golden, Comparison comparison) {
        Map<String, Object> context = TemplateCases.object(golden.tree().get("context"));
        for (String line : lines(golden)) {
            Map<String, Object> row = JsonLines.parse(line);
            String expression = String.valueOf(row.get("expression"));
            String expected =
                    row.containsKey("error")
                            ? "failure: " + TemplateCases.object(row.get("error")).get("kind")
                            : String.valueOf(row.get("expected"));
            comparison.equal(expression, evaluated(expression, context), expected);
        }
    }

    private static List<String> lines(GoldenCase golden) {
        Path file =
                golden.file("expressions.jsonl")
                        .orElseThrow(() -> new UnsupportedCaseException("no expressions.jsonl"));
        try {
            return Files.readAllLines(file);
        } catch (IOException e) {
            throw new UncheckedIOException("reading " + file, e);
        }
    }

    private static String evaluated(String expression, Map<String, Object> context) {
        try {
            return ChatTemplate.compile("{{ " + expression + " }}")
                    .renderOver(context, LocalDateTime.MIN);
        } catch (TemplateException e) {
            return "failure: " + e.kind().name().toLowerCase(Locale.ROOT);
        }
    }
}
