package dev.tunesmith.engine.text;

import java.util.Arrays;
import java.util.function.Function;

/// Turns tokens that arrive one by one into text, holding back what may still be half a character.
///
/// All chunks and the rest from [#flush] together are the text of all tokens. Only where a
/// tokenizer with byte fallback meets a byte that fits nothing, after it had already given out
/// valid bytes of the same run, those stay as they were given out.
public final class IncrementalText {

    private static final String BROKEN = "\uFFFD";

    /// No character needs as many tokens: what is held back so long will never become text.
    private static final int TOKENS_HELD_MAX = 64;

    private final Function<int[], String> decode;
    private int[] ids = {};
    private int givenOut;
    private String prefix = "";

    IncrementalText(Function<int[], String> decode) {
        this.decode = decode;
    }

    /// Takes the next token and returns the text that is certain now, empty while it waits.
    public String push(int id) {
        ids = Arrays.copyOf(ids, ids.length + 1);
        ids[ids.length - 1] = id;
        String text = decode.apply(ids);
        if (!text.startsWith(prefix)) {
            restartBehindGivenOut();
            text = decode.apply(ids);
        }
        boolean waits = text.endsWith(BROKEN) && ids.length - givenOut < TOKENS_HELD_MAX;
        if (text.length() == prefix.length() || waits) {
            return "";
        }
        String chunk = text.substring(prefix.length());
        ids = Arrays.copyOfRange(ids, givenOut, ids.length);
        givenOut = ids.length;
        prefix = decode.apply(ids);
        return chunk;
    }

    /// The text still held back; nothing may be pushed after it.
    public String flush() {
        String text = decode.apply(ids);
        if (!text.startsWith(prefix)) {
            restartBehindGivenOut();
            text = decode.apply(ids);
        }
        String chunk = text.substring(prefix.length());
        ids = new int[0];
        givenOut = 0;
        prefix = "";
        return chunk;
    }

    private void restartBehindGivenOut() {
        ids = Arrays.copyOfRange(ids, givenOut, ids.length);
        givenOut = 0;
        prefix = "";
    }
}
