package dev.tunesmith.engine.gguf;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.tunesmith.engine.io.ModelDirectory;
import dev.tunesmith.engine.text.SpecialText;
import dev.tunesmith.engine.text.Tokenizer;
import dev.tunesmith.engine.text.vocabulary.Splits;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// The splits of GGUF files against llama.cpp's tokens of hard texts, with a vocabulary in which
/// every cut shows (golden/generate/text_gguf_splits.py).
class GgufSplitsTest {
    private static final JsonNode GOLDEN = golden();

    /// Names that no file has: tiktoken's, another name of GPT-2's, and one of the first files.
    private static final List<String> OURS = List.of("cl100k", "gpt2", "deepseek-r1");

    record Named(String name, JsonNode cut) {
        @Override
        public String toString() {
            return name;
        }
    }

    private static JsonNode golden() {
        try {
            return new ObjectMapper().readTree(Path.of("../golden/text/gguf_splits.json").toFile());
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    static Stream<Named> names() {
        List<Named> all = new ArrayList<>();
        for (JsonNode cut : GOLDEN.get("cuts")) {
            cut.get("names").forEach(name -> all.add(new Named(name.asText(), cut)));
        }
        return all.stream();
    }

    @ParameterizedTest
    @MethodSource("names")
    void cutsAsLlamaCppCuts(Named named, @TempDir Path room) throws IOException {
        boolean characters = named.cut.get("characters").asBoolean();
        Path gguf = Files.write(room.resolve("v.gguf"), file(named.name, characters).bytes());
        GgufImport.tokenizer(gguf, room);
        int compared = 0;
        try (Tokenizer tokenizer = Tokenizer.open(room.resolve(ModelDirectory.TOKENIZER))) {
            for (int i = 0; i < GOLDEN.get("texts").size(); i++) {
                JsonNode ids = named.cut.get("ids").get(i);
                if (ids.isNull()) {
                    continue; // llama.cpp departs from the expression of the model
                }
                String text = GOLDEN.get("texts").get(i).asText();
                assertThat(tokenizer.encode(text, SpecialText.LITERAL))
                        .as(text)
                        .isEqualTo(new ObjectMapper().convertValue(ids, int[].class));
                compared++;
            }
        }
        assertThat(compared).isGreaterThan(60);
    }

    @Test
    void everyNameThatIsReadIsCompared() {
        Set<String> known = new TreeSet<>();
        Splits.ggufNames().forEach(known::add);
        Set<String> compared = new TreeSet<>(OURS);
        names().filter(named -> !named.cut.get("characters").asBoolean())
                .forEach(named -> compared.add(named.name));
        assertThat(known).isEqualTo(compared);
    }

    private static GgufBytes file(String name, boolean characters) {
        String prefix = characters ? "character_" : "";
        List<Object> tokens = texts(GOLDEN.get(prefix + "tokens"));
        List<Object> types = new ArrayList<>();
        for (int id = 0; id < tokens.size(); id++) {
            types.add(!characters || id > 257 ? 1 : id > 1 ? 6 : id == 1 ? 3 : 2);
        }
        GgufBytes file =
                new GgufBytes()
                        .with("general.architecture", "llama")
                        .with("tokenizer.ggml.tokens", tokens)
                        .with("tokenizer.ggml.token_type", types)
                        .with("tokenizer.ggml.merges", texts(GOLDEN.get(prefix + "merges")))
                        .tensor("output_norm.weight", new float[1], 1L);
        return name.equals("gemma4")
                ? file.with("tokenizer.ggml.model", name)
                : file.with("tokenizer.ggml.model", "gpt2").with("tokenizer.ggml.pre", name);
    }

    private static List<Object> texts(JsonNode array) {
        List<Object> texts = new ArrayList<>();
        array.forEach(node -> texts.add(node.asText()));
        return texts;
    }
}
