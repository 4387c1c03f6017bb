package dev.tunesmith.engine.data;

import dev.tunesmith.contracts.chat.NamedTemplate;
import dev.tunesmith.engine.io.JsonTree;
import dev.tunesmith.engine.text.Tokenizer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/// A tokenizer as a named template wants it: with the template's stop words among its tokens and
/// its end token.
///
/// @param bos id of the begin token, if there is one
/// @param eos id of the end token
/// @param pad id of the token that fills batches
public record SlotTokenizer(Tokenizer tokenizer, OptionalInt bos, int eos, int pad)
        implements AutoCloseable {

    private static final String END = "<|endoftext|>";

    /// The tokenizer of a folder.
    public static SlotTokenizer of(Path folder, NamedTemplate template) {
        Optional<String> eos = template.ending().endToken().or(() -> named(folder, "eos_token"));
        List<String> tokens = new ArrayList<>(template.ending().stopWords());
        if (eos.isEmpty()) {
            tokens.add(0, END);
        }
        Tokenizer tokenizer = Tokenizer.open(folder.resolve("tokenizer.json"), tokens);
        int end = tokenizer.id(eos.orElse(END)).orElse(-1);
        OptionalInt begin =
                named(folder, "bos_token").map(tokenizer::id).orElse(OptionalInt.empty());
        int pad =
                named(folder, "pad_token")
                        .map(tokenizer::id)
                        .orElse(OptionalInt.empty())
                        .orElse(end);
        return new SlotTokenizer(tokenizer, begin, end, pad);
    }

    /// A special token as the tokenizer's configuration names it.
    private static Optional<String> named(Path folder, String role) {
        for (String name : List.of("tokenizer_config.json", "special_tokens_map.json")) {
            Path file = folder.resolve(name);
            if (Files.exists(file)) {
                Object value = JsonTree.read(file).get(role);
                Object content = value instanceof Map<?, ?> map ? map.get("content") : value;
                if (content instanceof String token) {
                    return Optional.of(token);
                }
            }
        }
        return Optional.empty();
    }

    @Override
    public void close() {
        tokenizer.close();
    }
}
