package dev.tunesmith.bench.speed;

import dev.tunesmith.engine.io.JsonTree;
import dev.tunesmith.engine.text.Tokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;

/// The words of a model that has no tokenizer: w0, w1 and so on, between blanks.
///
/// @param count as many as the model knows
record MadeUpWords(int count) {
    private static final int FIRST = 3;
    private static final int USED = 8000;

    /// Random words, none of the first ones, which control something in most vocabularies.
    int[] draw(SplittableRandom random, int words) {
        return random.ints(words, FIRST, Math.min(USED, count)).toArray();
    }

    /// A tokenizer for them.
    Tokenizer tokenizer() throws IOException {
        Map<String, Object> ids = new LinkedHashMap<>();
        for (int id = 0; id < count; id++) {
            ids.put("w" + id, id);
        }
        Map<String, Object> model = Map.of("type", "WordLevel", "vocab", ids, "unk_token", "w0");
        Map<String, Object> tree = new LinkedHashMap<>();
        tree.put("version", "1.0");
        tree.put("added_tokens", List.of());
        tree.put("pre_tokenizer", Map.of("type", "WhitespaceSplit"));
        tree.put("model", model);
        Path folder = Files.createTempDirectory("words");
        Path file = folder.resolve("tokenizer.json");
        try {
            JsonTree.write(file, tree);
            return Tokenizer.open(file);
        } finally {
            Files.deleteIfExists(file);
            Files.deleteIfExists(folder);
        }
    }
}
