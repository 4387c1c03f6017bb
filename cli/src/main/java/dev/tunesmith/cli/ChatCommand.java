package dev.tunesmith.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tunesmith.cli.data.TemplateOptions;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.util.Iterator;
import java.util.List;
import java.util.Scanner;
import java.util.concurrent.Callable;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/// `tunesmith chat MODEL`: one question with `-m`, else a conversation read from the terminal.
@Command(name = "chat", description = "Chat with a model.", mixinStandardHelpOptions = true)
@SuppressWarnings("NullAway.Init")
final class ChatCommand implements Callable<Integer> {
    @Mixin private Connection connection;
    @Mixin private TemplateOptions template;

    @Parameters(paramLabel = "MODEL")
    private String model;

    @Option(
            names = {"-m", "--message"},
            paramLabel = "TEXT",
            description = "ask this and end")
    private @Nullable String message;

    @Option(names = "--system", paramLabel = "TEXT", description = "system message")
    private @Nullable String system;

    @Option(
            names = "--vs",
            paramLabel = "MODEL",
            description = "show this model's answer to the same question too")
    private @Nullable String other;

    @Option(names = "--temperature", defaultValue = "0")
    private double temperature;

    @Option(names = "--max-tokens", defaultValue = "256")
    private int maxTokens;

    @Override
    public Integer call() {
        Api api = connection.open();
        ArrayNode messages = Api.JSON.createArrayNode();
        if (system != null) {
            add(messages, "system", system);
        }
        if (message != null) {
            add(messages, "user", message);
            answer(api, messages);
            return ExitCode.OK;
        }
        converse(api, messages);
        return ExitCode.OK;
    }

    private void converse(Api api, ArrayNode messages) {
        System.err.println("Type a message; /clear forgets the conversation, /exit ends.");
        var input = new Scanner(System.in, java.nio.charset.StandardCharsets.UTF_8);
        for (prompt(); input.hasNextLine(); prompt()) {
            String line = input.nextLine().strip();
            switch (line) {
                case "" -> {}
                case "/exit" -> {
                    return;
                }
                case "/clear" -> messages.removeAll();
                default -> {
                    add(messages, "user", line);
                    add(messages, "assistant", answer(api, messages));
                }
            }
        }
    }

    private static void prompt() {
        System.err.print("> ");
        System.err.flush();
    }

    private String answer(Api api, ArrayNode messages) {
        for (String name : other == null ? List.<String>of() : List.of(other)) {
            System.out.println("[" + name + "]");
            String _ = stream(api, request(name, messages), System.out::print);
            System.out.println("\n[" + model + "]");
        }
        String text = stream(api, request(model, messages), System.out::print);
        System.out.println();
        return text;
    }

    private ObjectNode request(String name, ArrayNode messages) {
        ObjectNode body = request(name, messages, maxTokens);
        template.addTo(body);
        return body.put("temperature", temperature);
    }

    static ObjectNode request(String model, ArrayNode messages, int maxTokens) {
        ObjectNode body = Api.JSON.createObjectNode();
        body.put("model", model)
                .put("stream", true)
                .put("max_tokens", maxTokens)
                .put("temperature", 0);
        body.set("messages", messages);
        return body;
    }

    static void add(ArrayNode messages, String role, String content) {
        messages.addObject().put("role", role).put("content", content);
    }

    /// Streams one answer piece by piece and returns the whole.
    static String stream(Api api, ObjectNode body, Consumer<String> piece) {
        var text = new StringBuilder();
        HttpRequest.Builder request =
                api.request("/v1/chat/completions")
                        .header("Content-Type", "application/json")
                        .POST(BodyPublishers.ofString(body.toString()));
        try (Stream<String> lines = api.lines(request)) {
            for (Iterator<String> it = lines.iterator(); it.hasNext(); ) {
                String line = it.next();
                if (line.startsWith("data:") && !line.contains("[DONE]")) {
                    String delta = delta(line.substring(5).strip());
                    text.append(delta);
                    piece.accept(delta);
                    System.out.flush();
                }
            }
        }
        return text.toString();
    }

    private static String delta(String data) {
        try {
            JsonNode chunk = Api.JSON.readTree(data);
            if (chunk.has("error")) {
                throw Api.failure(502, data);
            }
            return chunk.path("choices").path(0).path("delta").path("content").asText("");
        } catch (JsonProcessingException e) {
            throw new CommandFailure(
                    ExitCode.PLATFORM, "the stream broke: " + e.getOriginalMessage());
        }
    }
}
