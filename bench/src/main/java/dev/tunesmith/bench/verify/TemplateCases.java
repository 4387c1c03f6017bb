package dev.tunesmith.bench.verify;

import dev.tunesmith.bench.golden.CaseRunner;
import dev.tunesmith.bench.golden.Comparison;
import dev.tunesmith.bench.golden.GoldenCase;
import dev.tunesmith.bench.golden.UnsupportedCaseException;
import dev.tunesmith.contracts.jinja.TemplateException;
import dev.tunesmith.contracts.template.ChatInput;
import dev.tunesmith.contracts.template.ChatTemplate;
import dev.tunesmith.contracts.template.Rendered;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// Group `text/chat_templates`: a template and what the reference renders with it.
final class TemplateCases implements CaseRunner {

    @Override
    public void run(GoldenCase golden, Comparison comparison) {
        for (Object entry : golden.list("renders")) {
            Map<String, Object> render = object(entry);
            String found = rendered(golden, render);
            comparison.equal("render " + render.get("id"), found, expected(render));
        }
    }

    /// A JSON object with its keys as texts; empty if the value is none.
    static Map<String, Object> object(@Nullable Object value) {
        Map<String, Object> object = new LinkedHashMap<>();
        if (value instanceof Map<?, ?> map) {
            map.forEach((key, item) -> object.put(key.toString(), item));
        }
        return object;
    }

    private static String expected(Map<String, Object> render) {
        if (render.containsKey("error")) {
            Map<String, Object> error = object(render.get("error"));
            return failure(String.valueOf(error.get("kind")), String.valueOf(error.get("message")));
        }
        Object spans = render.get("spans");
        return render.get("expected") + (spans == null ? "" : " with answers at " + spans);
    }

    /// Of a failure only the kind counts, and the message if the template raised it.
    private static String failure(String kind, String message) {
        return "failure: " + kind + (kind.equals("raised") ? ": " + message : "");
    }

    private static String rendered(GoldenCase golden, Map<String, Object> render) {
        try {
            ChatTemplate template = ChatTemplate.compile(source(golden, render));
            ChatInput input = input(golden, render);
            Object open = render.get("continue_final_message");
            Rendered result =
                    switch (open) {
                        case String key -> template.renderOpen(input, key);
                        case Boolean goesOn when goesOn -> template.renderOpen(input, "content");
                        case null, default -> template.render(input);
                    };
            List<List<Integer>> spans =
                    result.codePointSpans().stream()
                            .map(span -> List.of(span.start(), span.end()))
                            .toList();
            return result.text() + (render.containsKey("spans") ? " with answers at " + spans : "");
        } catch (TemplateException e) {
            return failure(e.kind().name().toLowerCase(Locale.ROOT), e.reason());
        }
    }

    private static String source(GoldenCase golden, Map<String, Object> render) {
        if (render.get("template") instanceof String own) {
            return own;
        }
        Path file =
                golden.file("template.jinja")
                        .orElseThrow(() -> new UnsupportedCaseException("no template.jinja"));
        try {
            return Files.readString(file);
        } catch (IOException e) {
            throw new UncheckedIOException("reading " + file, e);
        }
    }

    @SuppressWarnings("unchecked")
    private static ChatInput input(GoldenCase golden, Map<String, Object> render) {
        Map<String, String> special = new LinkedHashMap<>();
        object(golden.tree().get("special_tokens"))
                .forEach((name, token) -> special.put(name, String.valueOf(token)));
        Object messages = render.get("messages");
        ChatInput input =
                ChatInput.of(
                                messages instanceof List
                                        ? (List<Map<String, Object>>) messages
                                        : List.of(),
                                special,
                                LocalDateTime.parse(golden.text("now", "2024-01-01T00:00:00")))
                        .withTools((List<Object>) render.get("tools"))
                        .withDocuments((List<Object>) render.get("documents"));
        if (Boolean.TRUE.equals(render.get("add_generation_prompt"))) {
            input = input.withGenerationPrompt();
        }
        for (Map.Entry<String, Object> more : object(render.get("kwargs")).entrySet()) {
            input = input.with(more.getKey(), more.getValue());
        }
        return input;
    }
}
