package dev.tunesmith.engine.data;

import java.util.Arrays;
import java.util.List;

/// Tokens and what is learned at each of them, aligned: the loss shifts by one.
///
/// @param labels the id to learn in the place of a token, or [TokenBatch#NOT_TRAINED]
// Arrays: never compared by the record's equality.
@SuppressWarnings("ArrayRecordComponent")
public record Labelled(int[] ids, int[] labels) {

    /// Number of tokens.
    public int length() {
        return ids.length;
    }

    /// Tokens that are read and not learned.
    static Labelled untrained(int[] ids) {
        int[] labels = new int[ids.length];
        Arrays.fill(labels, TokenBatch.NOT_TRAINED);
        return new Labelled(ids, labels);
    }

    /// Tokens that are learned as they are.
    static Labelled trained(int[] ids) {
        return new Labelled(ids, ids.clone());
    }

    /// The same tokens, at the first of which another one is learned.
    Labelled learningFirst(int id) {
        int[] changed = labels.clone();
        if (changed.length > 0) {
            changed[0] = id;
        }
        return new Labelled(ids, changed);
    }

    /// The first tokens.
    Labelled head(int length) {
        return new Labelled(Arrays.copyOf(ids, length), Arrays.copyOf(labels, length));
    }

    /// Several parts, one after the other.
    static Labelled joined(List<Labelled> parts) {
        return new Labelled(
                parts.stream().flatMapToInt(part -> Arrays.stream(part.ids())).toArray(),
                parts.stream().flatMapToInt(part -> Arrays.stream(part.labels())).toArray());
    }
}
