package dev.tunesmith.bench.nano;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.tunesmith.bench.nano.Topic.Question;
import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// Rows of the data files that the recipes write.
final class JsonlWriter {

    private static final ObjectMapper JSON = new ObjectMapper();

    private JsonlWriter() {}

    static void write(Path file, List<Map<String, Object>> rows) throws IOException {
        try (BufferedWriter writer = Files.newBufferedWriter(file)) {
            for (Map<String, Object> row : rows) {
                writer.write(JSON.writeValueAsString(row));
                writer.write('\n');
            }
        }
    }

    static Map<String, Object> text(String document) {
        return Map.of("text", document);
    }

    /// A conversation; no system message if `system` is empty.
    static Map<String, Object> chat(String system, List<Question> turns) {
        List<Map<String, String>> messages = new ArrayList<>();
        if (!system.isEmpty()) {
            messages.add(message("system", system));
        }
        for (Question turn : turns) {
            messages.add(message("user", turn.question()));
            messages.add(message("assistant", turn.answer()));
        }
        return Map.of("messages", messages);
    }

    private static Map<String, String> message(String role, String content) {
        Map<String, String> message = new LinkedHashMap<>();
        message.put("role", role);
        message.put("content", content);
        return message;
    }

    /// A row of an exam.
    static Map<String, Object> question(Question question) {
        Map<String, Object> row = new LinkedHashMap<>();
        row.put("topic", question.topic());
        row.put("question", question.question());
        row.put("answer", question.answer());
        return row;
    }
}
