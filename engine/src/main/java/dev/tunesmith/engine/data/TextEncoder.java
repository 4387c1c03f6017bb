package dev.tunesmith.engine.data;

import dev.tunesmith.engine.io.ModelDirectory;
import dev.tunesmith.engine.text.SpecialText;
import dev.tunesmith.engine.text.Tokenizer;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.stream.Stream;

/// Plain documents to tokens for pre-training: all trained, and closed by an end token.
///
/// @param endToken the id that ends a document
/// @param special what names of control tokens in a document are
public record TextEncoder(Tokenizer tokenizer, int endToken, SpecialText special) {

    private static final List<String> END_TOKENS = List.of("<|endoftext|>", "<|end_of_text|>");

    /// The encoder of a model, whose documents end with the token made for it, else with the
    /// model's end token; empty if there is neither.
    public static Optional<TextEncoder> of(ModelDirectory model, Tokenizer tokenizer) {
        return Stream.concat(END_TOKENS.stream(), model.specialToken("eos_token").stream())
                .map(tokenizer::id)
                .filter(OptionalInt::isPresent)
                .map(end -> new TextEncoder(tokenizer, end.getAsInt(), SpecialText.USER))
                .findFirst();
    }

    /// The same encoder for documents in which names of control tokens are these tokens.
    public TextEncoder parsing() {
        return new TextEncoder(tokenizer, endToken, SpecialText.PARSED);
    }

    /// One document.
    public Sample sample(String text) {
        int[] ids = tokenizer.encodeWithAdded(text, special);
        if (ids.length > 0 && ids[ids.length - 1] == endToken) {
            return Sample.allTrained(ids);
        }
        int[] closed = Arrays.copyOf(ids, ids.length + 1);
        closed[ids.length] = endToken;
        return Sample.allTrained(closed);
    }
}
