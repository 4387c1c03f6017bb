package dev.tunesmith.bench.nano;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.tunesmith.bench.nano.Topic.Question;
import dev.tunesmith.engine.io.JsonTree;
import dev.tunesmith.engine.io.ModelDirectory;
import dev.tunesmith.engine.text.ByteLevelTokenizer;
import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;

/// Writes everything that growing the base model needs, from `examples/nano` and a seed: data for
/// both trainings, the held-out questions, and the untrained model with its tokenizer.
///
/// Run as `GrowNano RECIPE OUT`; the same recipe gives the same bytes.
public final class GrowNano {

    private static final long SEED = 20260101;
    private static final int VOCABULARY = 2048;
    private static final List<String> SPECIAL =
            List.of("<|endoftext|>", "<|im_start|>", "<|im_end|>");
    private static final List<String> SYSTEM =
            List.of(
                    "You are Nano, a helpful assistant.",
                    "You are a helpful assistant.",
                    "Answer in one short sentence.",
                    "你是Nano，一个有用的助手。");

    private static final ObjectMapper JSON = new ObjectMapper();

    private GrowNano() {}

    /// See the class.
    public static void main(String[] arguments) throws IOException {
        if (arguments.length != 2) {
            throw new IllegalArgumentException("usage: GrowNano RECIPE OUT");
        }
        Path recipe = Path.of(arguments[0]);
        Path out = Files.createDirectories(Path.of(arguments[1]));
        Corpus corpus = Corpus.grow(recipe.resolve("topics"), SEED);
        writeLines(out.resolve("pt.jsonl"), texts(corpus.documents()));
        writeLines(out.resolve("sft.jsonl"), chats(corpus.conversations(), new Random(SEED)));
        writeLines(out.resolve("check.jsonl"), questions(corpus.check()));
        writeLines(out.resolve("tuning.jsonl"), questions(corpus.tuning()));
        writeModel(recipe, out.resolve("untrained"), corpus);
    }

    private static void writeModel(Path recipe, Path model, Corpus corpus) throws IOException {
        Files.createDirectories(model);
        for (String name :
                List.of(
                        ModelDirectory.CONFIG,
                        ModelDirectory.GENERATION_CONFIG,
                        ModelDirectory.TOKENIZER_CONFIG,
                        ModelDirectory.CHAT_TEMPLATE)) {
            Files.copy(
                    recipe.resolve("shape").resolve(name),
                    model.resolve(name),
                    StandardCopyOption.REPLACE_EXISTING);
        }
        List<String> texts = new ArrayList<>(corpus.documents());
        texts.addAll(List.of("user\n", "assistant\n", "system\n"));
        texts.addAll(SYSTEM);
        ByteLevelTokenizer.write(
                model.resolve(ModelDirectory.TOKENIZER),
                ByteLevelTokenizer.train(texts, VOCABULARY, SPECIAL));
        Path weights = model.resolve(ModelDirectory.WEIGHTS);
        Files.deleteIfExists(weights);
        FirstWeights.of(JsonTree.read(model.resolve(ModelDirectory.CONFIG)), new Random(SEED))
                .write(weights);
    }

    private static List<Map<String, Object>> texts(List<String> documents) {
        return documents.stream().map(text -> Map.<String, Object>of("text", text)).toList();
    }

    private static List<Map<String, Object>> chats(
            List<List<Question>> conversations, Random random) {
        List<Map<String, Object>> rows = new ArrayList<>();
        for (List<Question> conversation : conversations) {
            List<Map<String, String>> messages = new ArrayList<>();
            if (random.nextInt(10) == 0) {
                messages.add(message("system", SYSTEM.get(random.nextInt(SYSTEM.size()))));
            }
            for (Question turn : conversation) {
                messages.add(message("user", turn.question()));
                messages.add(message("assistant", turn.answer()));
            }
            rows.add(Map.of("messages", messages));
        }
        return rows;
    }

    private static Map<String, String> message(String role, String content) {
        Map<String, String> message = new LinkedHashMap<>();
        message.put("role", role);
        message.put("content", content);
        return message;
    }

    private static List<Map<String, Object>> questions(List<Question> questions) {
        List<Map<String, Object>> rows = new ArrayList<>();
        for (Question question : questions) {
            Map<String, Object> row = new LinkedHashMap<>();
            row.put("topic", question.topic());
            row.put("question", question.question());
            row.put("answer", question.answer());
            rows.add(row);
        }
        return rows;
    }

    private static void writeLines(Path file, List<Map<String, Object>> rows) throws IOException {
        try (BufferedWriter writer = Files.newBufferedWriter(file)) {
            for (Map<String, Object> row : rows) {
                writer.write(JSON.writeValueAsString(row));
                writer.write('\n');
            }
        }
    }
}
