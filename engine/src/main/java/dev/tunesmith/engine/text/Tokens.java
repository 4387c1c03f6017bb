package dev.tunesmith.engine.text;

/// Token ids and, for each, which code points of the text it covers: `[begins[i], ends[i])`.
// Arrays: lengths in the millions, and never compared.
@SuppressWarnings("ArrayRecordComponent")
public record Tokens(int[] ids, int[] begins, int[] ends) {

    /// Number of tokens.
    public int size() {
        return ids.length;
    }
}
