package dev.tunesmith.engine.text;

import ai.djl.huggingface.tokenizers.Encoding;
import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import ai.djl.huggingface.tokenizers.jni.CharSpan;
import dev.tunesmith.engine.io.JsonTree;
import dev.tunesmith.engine.io.ModelFileException;
import dev.tunesmith.engine.text.vocabulary.ByteAlphabet;
import dev.tunesmith.engine.text.vocabulary.NativeRules;
import dev.tunesmith.engine.text.vocabulary.VocabularyFiles;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/// A tokenizer read from a `tokenizer.json`. Safe for use by several threads at once.
///
/// Lone surrogates of a text become U+FFFD. Nothing is padded or truncated here.
public final class Tokenizer implements AutoCloseable {

    /// Marks the control tokens of the literal twin; a noncharacter, so that no text has it.
    private static final String ALIAS = new String(Character.toChars(0x10FFFE)) + "control:";

    /// The library ends the process at ten million retries of an expression; an ordinary one makes
    /// about one a character of a long run.
    private static final int TEXT_CHARS_MAX = 4 << 20;

    private static final Map<String, String> OPTIONS =
            Map.of("truncation", "false", "padding", "false", "addSpecialTokens", "false");

    /// Shows what most ways to cut words differ in.
    private static final String PROBE =
            "It's I'LL  a\tb 1234567 x.y,\n\n  z  \u00e9\u4f60\u597d(foo)/bar== 3rd \r\n end ";

    static {
        // The library would otherwise look for a GPU build and for files on the network.
        setIfAbsent("RUST_FLAVOR", "cpu");
        setIfAbsent("ai.djl.offline", "true");
        setIfAbsent("OPT_OUT_TRACKING", "true");
    }

    private final Path file;
    private final Vocabulary vocabulary;

    /// The token for unknown words, if a run of them is one token: the library does that for merges
    /// alone.
    private final OptionalInt fused;

    private final HuggingFaceTokenizer parsing;
    private final HuggingFaceTokenizer literal;
    private final HuggingFaceTokenizer ofUsers;
    private final Optional<Shortcut> shortcut;
    private final Around around;

    private Tokenizer(
            Path file,
            Vocabulary vocabulary,
            HuggingFaceTokenizer parsing,
            HuggingFaceTokenizer literal,
            HuggingFaceTokenizer ofUsers,
            Optional<Shortcut> shortcut) {
        this.file = file;
        this.vocabulary = vocabulary;
        this.fused = vocabulary.fusedWord();
        this.parsing = parsing;
        this.literal = literal;
        this.ofUsers = ofUsers;
        this.around = around();
        this.shortcut = shortcut.filter(this::agrees);
    }

    private static void setIfAbsent(String key, String value) {
        if (System.getProperty(key) == null && System.getenv(key) == null) {
            System.setProperty(key, value);
        }
    }

    /// Opens a `tokenizer.json`, or a vocabulary of another notation.
    ///
    /// @throws ModelFileException if it is missing or malformed
    public static Tokenizer open(Path file) {
        return of(file, VocabularyFiles.tree(file));
    }

    /// The same tokenizer with further control tokens, which get the next free ids.
    ///
    /// @throws ModelFileException if the file is missing or malformed
    public static Tokenizer open(Path file, List<String> more) {
        Map<String, Object> tree = new LinkedHashMap<>(JsonTree.read(file));
        Vocabulary known = Vocabulary.of(file, tree);
        List<Object> added = new ArrayList<>();
        if (tree.get("added_tokens") instanceof List<?> before) {
            added.addAll(before);
        }
        int next = known.size();
        for (String token : more) {
            Map<String, Object> entry = new LinkedHashMap<>();
            boolean old = known.id(token).isPresent();
            entry.put("id", known.id(token).orElse(next));
            entry.put("content", token);
            for (String key : List.of("single_word", "lstrip", "rstrip", "normalized")) {
                entry.put(key, false);
            }
            entry.put("special", true);
            added.removeIf(
                    item -> item instanceof Map<?, ?> map && token.equals(map.get("content")));
            added.add(entry);
            next += old ? 0 : 1;
        }
        added.sort(Comparator.comparingLong(Tokenizer::idOf));
        tree.put("added_tokens", added);
        return of(file, tree);
    }

    private static long idOf(Object entry) {
        return entry instanceof Map<?, ?> map && map.get("id") instanceof Number id
                ? id.longValue()
                : Long.MAX_VALUE;
    }

    /// A tokenizer from the tree of a `tokenizer.json`; `file` is named in errors.
    static Tokenizer of(Path file, Map<String, Object> given) {
        Vocabulary vocabulary = Vocabulary.of(file, given);
        Map<String, Object> tree = NativeRules.checked(file, given);
        List<HuggingFaceTokenizer> opened = new ArrayList<>();
        try {
            opened.add(load(file, tree));
            Map<String, Object> twin = withoutControlTokens(tree);
            opened.add(load(file, twin));
            opened.add(
                    withoutControlWords(twin, vocabulary)
                            .map(words -> load(file, words))
                            .orElse(opened.getLast()));
            return new Tokenizer(
                    file,
                    vocabulary,
                    opened.get(0),
                    opened.get(1),
                    opened.get(2),
                    Shortcut.of(tree, vocabulary));
        } catch (RuntimeException e) {
            opened.forEach(HuggingFaceTokenizer::close);
            throw e;
        }
    }

    /// The twin of a vocabulary of words, scored (Unigram) or not, in which the names of control
    /// tokens are none.
    private static Optional<Map<String, Object>> withoutControlWords(
            Map<String, Object> tree, Vocabulary vocabulary) {
        if (!(tree.get("model") instanceof Map<?, ?> model)) {
            return Optional.empty();
        }
        Map<Object, Object> renamed = new LinkedHashMap<>(model);
        if (model.get("vocab") instanceof List<?> scored) {
            List<Object> words = new ArrayList<>(scored);
            for (int id = 0; id < words.size(); id++) {
                if (vocabulary.isSpecial(id) && words.get(id) instanceof List<?> pair) {
                    words.set(id, List.of(ALIAS + id, pair.getLast()));
                }
            }
            renamed.put("vocab", words);
        } else if ("WordLevel".equals(model.get("type"))
                && model.get("vocab") instanceof Map<?, ?> ids) {
            Map<Object, Object> words = new LinkedHashMap<>();
            ids.forEach((word, id) -> {
                boolean control = id instanceof Integer i && vocabulary.isSpecial(i);
                words.put(control && !word.equals(model.get("unk_token")) ? ALIAS + id : word, id);
            });
            renamed.put("vocab", words);
        } else {
            return Optional.empty();
        }
        Map<String, Object> twin = new LinkedHashMap<>(tree);
        twin.put("model", renamed);
        return Optional.of(twin);
    }

    private static HuggingFaceTokenizer load(Path file, Map<String, Object> tree) {
        byte[] json = JsonTree.text(tree).getBytes(StandardCharsets.UTF_8);
        try {
            return HuggingFaceTokenizer.newInstance(new ByteArrayInputStream(json), OPTIONS);
        } catch (IOException e) {
            throw new UncheckedIOException("loading " + file, e);
        } catch (RuntimeException e) { // what the native library throws
            throw new ModelFileException(file, "not a tokenizer: " + e.getMessage());
        }
    }

    /// The same tokenizer, in which the text of a control token is just text.
    ///
    /// The library has a switch for this, but its Java binding has not. A token that the model
    /// knows too needs no entry; any other is renamed, because dropping it would move the ids of
    /// the tokens that follow.
    private static Map<String, Object> withoutControlTokens(Map<String, Object> tree) {
        if (!(tree.get("added_tokens") instanceof List<?> added)) {
            return tree;
        }
        Map<String, Object> twin = new LinkedHashMap<>(tree);
        List<Object> kept = new ArrayList<>();
        for (Object entry : added) {
            if (entry instanceof Map<?, ?> token && Boolean.TRUE.equals(token.get("special"))) {
                if (!isInModel(tree, String.valueOf(token.get("content")))) {
                    Map<Object, Object> renamed = new LinkedHashMap<>(token);
                    renamed.put("content", ALIAS + token.get("id"));
                    kept.add(renamed);
                }
            } else {
                kept.add(entry);
            }
        }
        twin.put("added_tokens", kept);
        return twin;
    }

    private static boolean isInModel(Map<String, Object> tree, String token) {
        Object vocabulary = tree.get("model") instanceof Map<?, ?> model ? model.get("vocab") : "";
        return switch (vocabulary) {
            case Map<?, ?> ids -> ids.containsKey(token);
            case List<?> scored ->
                    scored.stream()
                            .anyMatch(pair ->
                                    pair instanceof List<?> entry
                                            && token.equals(entry.getFirst()));
            case null, default -> false;
        };
    }

    /// Token ids of a text, without the tokens that the tokenizer puts around it.
    public int[] encode(String text, SpecialText special) {
        return shortcut.flatMap(way -> way.encode(text, special))
                .orElseGet(() -> ids(encoding(text, special, false)));
    }

    /// Token ids of a text with the tokens that the tokenizer puts around it (such as BOS).
    public int[] encodeWithAdded(String text, SpecialText special) {
        Optional<int[]> plain =
                around.known
                        ? shortcut.flatMap(way -> way.encode(text, special))
                        : Optional.empty();
        return plain.map(around::put).orElseGet(() -> ids(encoding(text, special, true)));
    }

    /// What the tokenizer puts around every text.
    ///
    /// @param known whether it is the same for every text
    @SuppressWarnings("ArrayRecordComponent")
    private record Around(int[] before, int[] behind, boolean known) {
        int[] put(int[] ids) {
            int[] all = Arrays.copyOf(before, before.length + ids.length + behind.length);
            System.arraycopy(ids, 0, all, before.length, ids.length);
            System.arraycopy(behind, 0, all, before.length + ids.length, behind.length);
            return all;
        }
    }

    private Around around() {
        int[] plain;
        int[] whole;
        try {
            plain = ids(encoding(PROBE, SpecialText.PARSED, false));
            whole = ids(encoding(PROBE, SpecialText.PARSED, true));
        } catch (ModelFileException _) {
            return new Around(new int[0], new int[0], false); // it has no tokens for such a text
        }
        for (int from = 0; plain.length > 0 && from + plain.length <= whole.length; from++) {
            int end = from + plain.length;
            if (Arrays.equals(plain, 0, plain.length, whole, from, end)) {
                int[] before = Arrays.copyOf(whole, from);
                return new Around(before, Arrays.copyOfRange(whole, end, whole.length), true);
            }
        }
        return new Around(new int[0], new int[0], false);
    }

    /// A shortcut that gives other tokens than the library is none.
    private boolean agrees(Shortcut way) {
        for (SpecialText special : List.of(SpecialText.PARSED, SpecialText.LITERAL)) {
            Optional<int[]> ids = way.encode(PROBE, special);
            if (ids.isEmpty() || !Arrays.equals(ids.get(), ids(encoding(PROBE, special, false)))) {
                return false;
            }
        }
        return true;
    }

    /// Token ids of a text and the code points that they cover.
    public Tokens encodeWithOffsets(String text, SpecialText special) {
        return tokens(encoding(text, special, false));
    }

    /// [#encodeWithAdded] with the code points that the tokens cover.
    public Tokens encodeWithAddedAndOffsets(String text, SpecialText special) {
        return tokens(encoding(text, special, true));
    }

    /// @throws ModelFileException if the vocabulary has no token for the text, not even one that
    ///   stands for unknown text
    private Encoding encoding(String text, SpecialText special, boolean addTokens) {
        if (text.length() > TEXT_CHARS_MAX) {
            throw new IllegalArgumentException(
                    "a text of %d characters, at most %d are tokenised at once"
                            .formatted(text.length(), TEXT_CHARS_MAX));
        }
        String clean = withoutLoneSurrogates(text);
        HuggingFaceTokenizer tokenizer =
                switch (special) {
                    case PARSED -> parsing;
                    case LITERAL -> literal;
                    case USER -> ofUsers;
                };
        String given = special == SpecialText.PARSED ? clean : clean.replace(ALIAS, "\uFFFD");
        try {
            return tokenizer.encode(given, addTokens, false);
        } catch (RuntimeException e) { // what the native library throws
            throw new ModelFileException(file, "cannot encode a text: " + e.getMessage());
        }
    }

    private static String withoutLoneSurrogates(String text) {
        for (int i = 0; i < text.length(); i++) {
            if (Character.isSurrogate(text.charAt(i))) {
                int[] points = text.codePoints().map(Tokenizer::scalar).toArray();
                return new String(points, 0, points.length);
            }
        }
        return text;
    }

    private static int scalar(int codePoint) {
        return codePoint >= Character.MIN_SURROGATE && codePoint <= Character.MAX_SURROGATE
                ? 0xFFFD
                : codePoint;
    }

    private int[] ids(Encoding encoding) {
        return fused.isPresent() ? tokens(encoding).ids() : everyId(encoding);
    }

    private static int[] everyId(Encoding encoding) {
        long[] ids = encoding.getIds();
        int[] narrow = new int[ids.length];
        for (int i = 0; i < ids.length; i++) {
            narrow[i] = Math.toIntExact(ids[i]);
        }
        return narrow;
    }

    private Tokens tokens(Encoding encoding) {
        int[] ids = everyId(encoding);
        CharSpan[] spans = encoding.getCharTokenSpans();
        int[] begins = new int[ids.length];
        int[] ends = new int[ids.length];
        for (int i = 0; i < ids.length; i++) {
            CharSpan span = spans[i];
            begins[i] = span == null ? 0 : span.getStart();
            ends[i] = span == null ? 0 : span.getEnd();
        }
        var tokens = new Tokens(ids, begins, ends);
        return fused.isPresent() ? tokens.withoutRunsOf(fused.getAsInt()) : tokens;
    }

    /// The tokens of a text as the tokenizer names them: for showing, not for decoding.
    public List<String> tokens(String text) {
        return List.of(encoding(text, SpecialText.PARSED, false).getTokens());
    }

    /// For each token of a text, the piece of the text and the number of the piece that it is in.
    ///
    /// Tells the BPE trainer how normalizer and splitter cut a text.
    Pieces pieces(String text) {
        Encoding encoding = encoding(text, SpecialText.PARSED, false);
        return new Pieces(encoding.getTokens(), encoding.getWordIds());
    }

    /// See [#pieces].
    @SuppressWarnings("ArrayRecordComponent")
    record Pieces(String[] tokens, long[] words) {}

    /// The text of some tokens. An id that the tokenizer does not know gives nothing.
    public String decode(int[] ids, boolean skipSpecial) {
        long[] wide = new long[ids.length];
        int known = 0;
        for (int id : ids) {
            if (vocabulary.token(id).isPresent()) {
                wide[known++] = id;
            }
        }
        return parsing.decode(Arrays.copyOf(wide, known), skipSpecial);
    }

    /// Starts decoding token by token.
    public IncrementalText incremental(boolean skipSpecial) {
        return new IncrementalText(ids -> decode(ids, skipSpecial));
    }

    /// The id of a token, if the tokenizer has it.
    public OptionalInt id(String token) {
        return vocabulary.id(token);
    }

    /// The token with that id, as the vocabulary spells it.
    public Optional<String> token(int id) {
        return vocabulary.token(id);
    }

    /// The bytes of a token, which may be a part of a character.
    public byte[] bytes(int id) {
        String text = decode(new int[] {id}, false);
        byte[] whole = text.getBytes(StandardCharsets.UTF_8);
        return text.indexOf('\uFFFD') < 0
                ? whole
                : token(id).flatMap(ByteAlphabet::spelled).orElse(whole);
    }

    /// Whether the id is a control token, which decoding can leave out.
    public boolean isSpecial(int id) {
        return vocabulary.isSpecial(id);
    }

    /// The texts of all control tokens.
    public List<String> specialTokens() {
        return vocabulary.specialTokens();
    }

    /// Whether pieces of a text encode to the same tokens as the text, apart from the token at the
    /// cut. Not so for tokenizers that put a blank before every text (SentencePiece).
    public boolean encodesPieces() {
        int[] ids = encode("a", SpecialText.LITERAL);
        return ids.length == 0 || !token(ids[0]).orElse("").startsWith("\u2581");
    }

    /// One more than the greatest id; an embedding table may be larger.
    public int vocabularySize() {
        return vocabulary.size();
    }

    /// Frees the native tokenizers.
    @Override
    public void close() {
        parsing.close();
        literal.close();
        ofUsers.close(); // closing the same one twice does nothing
    }
}
