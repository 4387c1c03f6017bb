package dev.tunesmith.bench.nano;

import dev.tunesmith.bench.nano.Topic.Question;
import dev.tunesmith.engine.io.ModelDirectory;
import dev.tunesmith.engine.text.ByteLevelTokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;

/// Writes everything that growing the base model needs, from `examples/nano` and a seed: data for
/// both trainings, the held-out questions, and the model's folder, still without weights.
///
/// Run as `GrowNano RECIPE OUT`; the same recipe gives the same bytes.
public final class GrowNano {

    /// Seed of the corpus.
    static final long SEED = 20260101;

    private static final int VOCABULARY = 2048;
    private static final List<String> SPECIAL =
            List.of("<|endoftext|>", "<|im_start|>", "<|im_end|>");
    private static final List<String> SYSTEM =
            List.of(
                    "You are Nano, a helpful assistant.",
                    "You are a helpful assistant.",
                    "Answer in one short sentence.",
                    "你是Nano，一个有用的助手。");

    private GrowNano() {}

    /// See the class.
    public static void main(String[] arguments) throws IOException {
        if (arguments.length != 2) {
            throw new IllegalArgumentException("usage: GrowNano RECIPE OUT");
        }
        Path recipe = Path.of(arguments[0]);
        Path out = Files.createDirectories(Path.of(arguments[1]));
        Corpus corpus = Corpus.grow(recipe.resolve("topics"), SEED);
        JsonlWriter.write(
                out.resolve("pt.jsonl"),
                corpus.documents().stream().map(JsonlWriter::text).toList());
        JsonlWriter.write(
                out.resolve("sft.jsonl"), chats(corpus.conversations(), new Random(SEED)));
        JsonlWriter.write(
                out.resolve("practice.jsonl"), chats(corpus.practice(), new Random(SEED)));
        JsonlWriter.write(out.resolve("check.jsonl"), questions(corpus.check()));
        JsonlWriter.write(out.resolve("tuning.jsonl"), questions(corpus.tuning()));
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
    }

    private static List<Map<String, Object>> chats(
            List<List<Question>> conversations, Random random) {
        List<Map<String, Object>> rows = new ArrayList<>();
        for (List<Question> conversation : conversations) {
            String system =
                    random.nextInt(10) == 0 ? SYSTEM.get(random.nextInt(SYSTEM.size())) : "";
            rows.add(JsonlWriter.chat(system, conversation));
        }
        return rows;
    }

    private static List<Map<String, Object>> questions(List<Question> questions) {
        return questions.stream().map(JsonlWriter::question).toList();
    }
}
