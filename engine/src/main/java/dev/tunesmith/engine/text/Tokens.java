package dev.tunesmith.engine.text;

import java.util.Arrays;
import java.util.stream.IntStream;

/// Token ids and, for each, which code points of the text it covers: `[begins[i], ends[i])`.
// Arrays: lengths in the millions, and never compared.
@SuppressWarnings("ArrayRecordComponent")
public record Tokens(int[] ids, int[] begins, int[] ends) {

    /// Number of tokens.
    public int size() {
        return ids.length;
    }

    /// The same tokens, but those of that id which follow each other are one.
    Tokens withoutRunsOf(int id) {
        int[] first =
                IntStream.range(0, ids.length)
                        .filter(i -> i == 0 || ids[i] != id || ids[i - 1] != id)
                        .toArray();
        int[] last =
                IntStream.range(0, first.length)
                        .map(i -> (i + 1 < first.length ? first[i + 1] : ids.length) - 1)
                        .toArray();
        return new Tokens(
                Arrays.stream(first).map(i -> ids[i]).toArray(),
                Arrays.stream(first).map(i -> begins[i]).toArray(),
                Arrays.stream(last).map(i -> ends[i]).toArray());
    }
}
