package dev.tunesmith.engine.data;

import dev.tunesmith.engine.text.SpecialText;
import dev.tunesmith.engine.text.Tokenizer;
import java.util.Arrays;

/// Plain documents to tokens for pre-training: all trained, and closed by an end token.
///
/// @param endToken the id that ends a document
public record TextEncoder(Tokenizer tokenizer, int endToken) {

    /// One document. Names of control tokens in it are plain text.
    public Sample sample(String text) {
        int[] ids = tokenizer.encodeWithAdded(text, SpecialText.USER);
        if (ids.length > 0 && ids[ids.length - 1] == endToken) {
            return Sample.allTrained(ids);
        }
        int[] closed = Arrays.copyOf(ids, ids.length + 1);
        closed[ids.length] = endToken;
        return Sample.allTrained(closed);
    }
}
