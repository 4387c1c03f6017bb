package dev.tunesmith.engine.text.vocabulary;

import dev.tunesmith.engine.text.vocabulary.Piece.Kind;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// Pieces of SentencePiece as the tree of a `tokenizer.json`.
///
/// A file says how pieces are found: by merges, which follow from the scores, by the most probable
/// cut (Unigram), or not at all: every word is a piece.
public final class PieceTokenizer {
    private static final String BLANK = "\u2581";

    /// For ids that nothing stands for: noncharacters, which no text has.
    private static final String GAP = new String(Character.toChars(0x10FFFD)) + "gap:";

    /// Score of what a text must not be cut into, however it is spelled: bytes and control tokens.
    private static final float UNWANTED = -10_000;

    private final List<Piece> pieces;
    private final Way way;

    /// How the pieces of a text are found.
    public enum Finding {
        MERGES,
        PROBABLE,
        WORDS
    }

    /// Where a text gets a blank that it does not have.
    public enum Dummy {
        NONE,
        BEFORE,
        BEHIND
    }

    /// How pieces are found, and how a text is prepared.
    ///
    /// @param byteFallback whether a character without a piece is written as its bytes
    /// @param dummy the blank that every text gets
    /// @param blanksJoined whether blanks are joined, and dropped at both ends
    /// @param characterMap the compiled rules of normalisation, empty for none
    @SuppressWarnings("ArrayRecordComponent") // read once, never compared
    public record Way(
            Finding finding,
            boolean byteFallback,
            Dummy dummy,
            boolean blanksJoined,
            byte[] characterMap) {}

    private PieceTokenizer(List<Piece> pieces, Way way) {
        this.pieces = pieces;
        this.way = way;
    }

    /// The tree of pieces alone, with their control tokens and nothing around a text.
    public static TokenizerTree tree(List<Piece> pieces, Way way) {
        var tokenizer = new PieceTokenizer(pieces, way);
        return tokenizer.tree(AddedTokens.named(pieces), false);
    }

    /// The tree of pieces and the tokens that a model adds to them.
    static TokenizerTree tree(List<Piece> pieces, Way way, AddedTokens added) {
        var tokenizer = new PieceTokenizer(pieces, way);
        AddedTokens.named(pieces).forEach(added::orElse);
        // A symbol that users defined parts a text, but only its beginning gets a blank.
        boolean parted = pieces.stream().anyMatch(piece -> piece.kind() == Kind.USER_DEFINED);
        boolean onlyFirst =
                way.dummy == Dummy.BEFORE && (parted || !added.flag("legacy").orElse(true));
        TokenizerTree tree = tokenizer.tree(added.all(), onlyFirst);
        String name = added.text("tokenizer_class");
        added.around(name.startsWith("Llama") || name.startsWith("Gemma"))
                .ifPresent(tree::postProcessor);
        return tree;
    }

    private String spelled(int id) {
        return AddedTokens.spelled(pieces.get(id));
    }

    private TokenizerTree tree(List<AddedTokens.Token> added, boolean onlyFirst) {
        Map<String, Integer> ids = new LinkedHashMap<>();
        for (int id = 0; id < pieces.size(); id++) {
            ids.putIfAbsent(spelled(id), id);
        }
        added.forEach(token -> ids.putIfAbsent(token.content(), token.id()));
        List<Map<String, Object>> entries = added.stream().map(AddedTokens::entry).toList();
        Map<String, @Nullable Object> model =
                switch (way.finding) {
                    case MERGES -> merging(ids);
                    case PROBABLE -> probable(ids);
                    case WORDS -> whole(ids);
                };
        return TokenizerTree.of(model, entries)
                .normalizers(normalizers(onlyFirst))
                .splitters(splitters(onlyFirst))
                .decoders(decoders());
    }

    private List<Map<String, Object>> normalizers(boolean onlyFirst) {
        List<Map<String, Object>> steps = new ArrayList<>();
        if (way.characterMap.length > 0) {
            steps.add(
                    TokenizerTree.step(
                            "Precompiled",
                            "precompiled_charsmap",
                            Base64.getEncoder().encodeToString(way.characterMap)));
        }
        if (way.blanksJoined) {
            steps.add(
                    TokenizerTree.step(
                            "Replace", "pattern", Map.of("Regex", " {2,}"), "content", " "));
            // `Strip` would take every kind of white space.
            steps.add(
                    TokenizerTree.step(
                            "Replace", "pattern", Map.of("Regex", "\\A | \\z"), "content", ""));
        }
        if (way.dummy == Dummy.BEFORE && !onlyFirst) {
            steps.add(TokenizerTree.step("Prepend", "prepend", BLANK));
        }
        if (way.dummy == Dummy.BEHIND) {
            steps.add(
                    TokenizerTree.step(
                            "Replace", "pattern", Map.of("Regex", "\\z"), "content", BLANK));
        }
        if (!onlyFirst) {
            steps.add(TokenizerTree.replace(" ", BLANK));
        }
        return steps;
    }

    private List<Map<String, Object>> splitters(boolean onlyFirst) {
        boolean words = way.finding == Finding.WORDS;
        if (onlyFirst) {
            return List.of(
                    TokenizerTree.step(
                            "Metaspace",
                            "replacement",
                            BLANK,
                            "prepend_scheme",
                            "first",
                            "split",
                            words));
        }
        // Wherever the blank of a text stands, a word begins with one.
        return words
                ? List.of(
                        TokenizerTree.step(
                                "Split",
                                "pattern",
                                Map.of("String", BLANK),
                                "behavior",
                                "MergedWithNext",
                                "invert",
                                false))
                : List.of();
    }

    private List<Map<String, Object>> decoders() {
        List<Map<String, Object>> steps = new ArrayList<>();
        steps.add(TokenizerTree.replace(BLANK, " "));
        steps.add(TokenizerTree.step("ByteFallback"));
        steps.add(TokenizerTree.step("Fuse"));
        int before = way.dummy == Dummy.BEFORE ? 1 : 0;
        int behind = way.dummy == Dummy.BEHIND ? 1 : 0;
        if (before + behind > 0) {
            steps.add(TokenizerTree.step("Strip", "content", " ", "start", before, "stop", behind));
        }
        return steps;
    }

    private @Nullable String unknown() {
        return pieces.stream()
                .filter(piece -> piece.kind() == Kind.UNKNOWN)
                .map(Piece::text)
                .findFirst()
                .orElse(null);
    }

    private Map<String, @Nullable Object> merging(Map<String, Integer> ids) {
        return TokenizerTree.bpe(
                ids, mergesOfScores(), new TokenizerTree.Bpe(unknown(), way.byteFallback, false));
    }

    /// The library knows no `fuse_unk` here: [dev.tunesmith.engine.text.Tokenizer] sees to it.
    private Map<String, @Nullable Object> whole(Map<String, Integer> ids) {
        Map<String, @Nullable Object> model = new LinkedHashMap<>();
        model.put("type", "WordLevel");
        model.put("vocab", ids);
        model.put("unk_token", unknown());
        model.put("fuse_unk", true);
        return model;
    }

    private record Merge(String left, String right, int token) {}

    /// Every way to put a piece together from two pieces, pieces with high scores first.
    private List<List<String>> mergesOfScores() {
        Map<String, Integer> normal = new HashMap<>();
        for (int id = 0; id < pieces.size(); id++) {
            if (pieces.get(id).kind() == Kind.NORMAL) {
                normal.putIfAbsent(pieces.get(id).text(), id);
            }
        }
        List<Merge> merges = new ArrayList<>();
        normal.forEach((text, id) -> {
            for (int at = 1; at < text.length(); at++) {
                String left = text.substring(0, at);
                String right = text.substring(at);
                if (normal.containsKey(left) && normal.containsKey(right)) {
                    merges.add(new Merge(left, right, id));
                }
            }
        });
        merges.sort(
                Comparator.comparingDouble((Merge merge) -> -pieces.get(merge.token).score())
                        .thenComparingInt(Merge::token)
                        .thenComparingInt(merge -> normal.getOrDefault(merge.left, 0))
                        .thenComparingInt(merge -> normal.getOrDefault(merge.right, 0)));
        return merges.stream().map(merge -> List.of(merge.left, merge.right)).toList();
    }

    private static float score(Piece piece) {
        return piece.kind() == Kind.NORMAL || piece.kind() == Kind.USER_DEFINED
                ? piece.score()
                : UNWANTED;
    }

    private Map<String, @Nullable Object> probable(Map<String, Integer> ids) {
        int size = ids.values().stream().mapToInt(id -> id + 1).max().orElse(0);
        List<List<Object>> vocabulary = new ArrayList<>();
        for (int id = 0; id < size; id++) {
            vocabulary.add(
                    id < pieces.size()
                            ? List.of(spelled(id), score(pieces.get(id)))
                            : List.of(GAP + id, UNWANTED));
        }
        ids.forEach((text, id) -> {
            if (id >= pieces.size()) {
                vocabulary.set(id, List.of(text, UNWANTED));
            }
        });
        String unknown = unknown();
        Map<String, @Nullable Object> model = new LinkedHashMap<>();
        model.put("type", "Unigram");
        model.put("unk_id", unknown == null ? null : ids.get(unknown));
        model.put("vocab", vocabulary);
        model.put("byte_fallback", way.byteFallback);
        return model;
    }
}
