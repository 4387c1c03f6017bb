package dev.tunesmith.engine.text;

import java.util.Map;
import java.util.Optional;

/// Encodes texts without the library where the result is known to be the same.
///
/// @param all the added tokens
/// @param plain those of them that are no control tokens
record Shortcut(BytePairs pairs, Names all, Names plain) {

    /// Added tokens.
    ///
    /// @param given those that are looked for in the text as it is
    /// @param composed those that are looked for, after the others, in the text as the normalizer
    ///   makes it
    private record Names(AddedNames given, AddedNames composed) {
        static Optional<Names> of(Map<String, Object> tree, boolean special) {
            return AddedNames.of(tree, special, false)
                    .flatMap(given ->
                            AddedNames.of(tree, special, true)
                                    .map(composed -> new Names(given, composed)));
        }
    }

    /// The shortcut of the tree of a `tokenizer.json`, if its shape is covered.
    static Optional<Shortcut> of(Map<String, Object> tree, Vocabulary vocabulary) {
        Optional<Names> all = Names.of(tree, true);
        Optional<Names> plain = Names.of(tree, false);
        return all.isEmpty() || plain.isEmpty()
                ? Optional.empty()
                : BytePairs.of(tree, vocabulary)
                        .map(pairs -> new Shortcut(pairs, all.get(), plain.get()));
    }

    /// Token ids of a text; nothing if the library has to be asked.
    Optional<int[]> encode(String text, SpecialText special) {
        if (!WordCut.covers(text)) {
            return Optional.empty();
        }
        Names names = special == SpecialText.PARSED ? all : plain;
        IntList ids = new IntList();
        boolean covered =
                names.given.divide(
                        text,
                        ids,
                        part -> {
                            String composed = pairs.composed(part);
                            return (composed.equals(part) || WordCut.covers(composed))
                                    && names.composed.divide(
                                            composed, ids, between -> pairs.encode(between, ids));
                        });
        return covered ? Optional.of(ids.toArray()) : Optional.empty();
    }
}
