package dev.tunesmith.engine.gguf;

import dev.tunesmith.engine.io.JsonTree;
import dev.tunesmith.engine.io.ModelDirectory;
import dev.tunesmith.engine.io.ModelFileException;
import dev.tunesmith.engine.text.vocabulary.Piece;
import dev.tunesmith.engine.text.vocabulary.PieceTokenizer;
import dev.tunesmith.engine.text.vocabulary.Splits;
import dev.tunesmith.engine.text.vocabulary.TokenizerTree;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// The vocabulary of a GGUF file as the `tokenizer.json` of Hugging Face.
///
/// Five kinds are known: `gpt2`, byte-level BPE with its merges; `gemma4`, the same over
/// characters, which some splits of the former mean too; `llama`, SentencePiece BPE, whose merges
/// follow from the scores of its pieces; `t5`, SentencePiece Unigram; and `bert`, WordPiece.
final class GgufTokenizer {
    private static final List<String> CHARACTERS =
            List.of("gemma4", "granite-embed-multi-311m", "sarvam-moe");

    private final GgufFile file;
    private final List<String> tokens;
    private final List<String> notes = new ArrayList<>();

    GgufTokenizer(GgufFile file) {
        this.file = file;
        this.tokens = list("tokens").stream().map(String::valueOf).toList();
    }

    /// Writes the files of the tokenizer.
    ///
    /// @return what could not be taken over
    List<String> write(Path folder) throws IOException {
        String kind = String.valueOf(file.metadata().get("tokenizer.ggml.model"));
        switch (kind) {
            case "gpt2" -> writeByteLevel(folder);
            case "gemma4" -> writeCharacters(folder);
            case "llama" -> writePieces(folder, PieceTokenizer.Finding.MERGES);
            case "t5" -> writePieces(folder, PieceTokenizer.Finding.PROBABLE);
            case "bert" -> writeWords(folder);
            default ->
                    notes.add(
                            "the tokenizer '%s' is not known (known: gpt2, gemma4, llama, t5, bert): put tokenizer.json beside the weights"
                                    .formatted(kind));
        }
        writeConfig(folder);
        return notes;
    }

    private void writeByteLevel(Path folder) throws IOException {
        String split =
                file.metadata().get("tokenizer.ggml.pre") instanceof String name ? name : "default";
        if (CHARACTERS.contains(split)) {
            writeCharacters(folder);
            return;
        }
        Optional<Splits.Cut> cut = Splits.ofGguf(split);
        if (cut.isEmpty()) {
            notes.add(
                    "the split '%s' of the tokenizer is not known (known: %s): put tokenizer.json beside the weights"
                            .formatted(split, String.join(", ", Splits.ggufNames())));
            return;
        }
        Map<String, Integer> vocabulary = new LinkedHashMap<>();
        List<Piece> pieces = pieces();
        for (int id = 0; id < pieces.size(); id++) {
            vocabulary.put(pieces.get(id).text(), id);
        }
        TokenizerTree tree =
                TokenizerTree.of(
                                TokenizerTree.bpe(
                                        vocabulary,
                                        merges(),
                                        new TokenizerTree.Bpe(
                                                null, false, Splits.takesWholeWords(split))),
                                TokenizerTree.named(pieces))
                        .normalizers(
                                Splits.composes(split)
                                        ? List.of(TokenizerTree.step("NFC"))
                                        : List.of())
                        .splitters(cut.get().steps())
                        .decoders(List.of(TokenizerTree.byteLevel(true)));
        JsonTree.write(folder.resolve(ModelDirectory.TOKENIZER), tree.tree());
    }

    /// Blanks are written as in SentencePiece, and what has no token becomes its bytes.
    private void writeCharacters(Path folder) throws IOException {
        List<Piece> pieces = pieces();
        Map<String, Integer> vocabulary = new LinkedHashMap<>();
        for (int id = 0; id < pieces.size(); id++) {
            vocabulary.put(pieces.get(id).text(), id);
        }
        TokenizerTree tree =
                TokenizerTree.of(
                                TokenizerTree.bpe(
                                        vocabulary,
                                        merges(),
                                        new TokenizerTree.Bpe(tokenOf("unknown"), true, false)),
                                TokenizerTree.named(pieces))
                        .normalizers(List.of(TokenizerTree.replace(" ", "\u2581")))
                        .splitters(List.of(TokenizerTree.split(Splits.LINES)))
                        .decoders(
                                List.of(
                                        TokenizerTree.replace("\u2581", " "),
                                        TokenizerTree.step("ByteFallback"),
                                        TokenizerTree.step("Fuse")));
        JsonTree.write(folder.resolve(ModelDirectory.TOKENIZER), tree.tree());
    }

    private void writePieces(Path folder, PieceTokenizer.Finding finding) throws IOException {
        List<Piece> pieces = pieces();
        var way =
                new PieceTokenizer.Way(
                        finding,
                        finding == PieceTokenizer.Finding.MERGES,
                        flag("add_space_prefix", true)
                                ? PieceTokenizer.Dummy.BEFORE
                                : PieceTokenizer.Dummy.NONE,
                        flag("remove_extra_whitespaces", false),
                        characterMap());
        JsonTree.write(
                folder.resolve(ModelDirectory.TOKENIZER), PieceTokenizer.tree(pieces, way).tree());
    }

    /// In these files the beginning of a word is marked, and not what goes on with it. A vocabulary
    /// without capitals is that of a model that reads small letters without accents.
    private void writeWords(Path folder) throws IOException {
        Map<String, Integer> vocabulary = new LinkedHashMap<>();
        List<Piece> pieces = new ArrayList<>();
        List<Piece> given = pieces();
        boolean capitals = false;
        for (int id = 0; id < given.size(); id++) {
            Piece piece = given.get(id);
            String text = piece.text();
            boolean named = text.startsWith("[") && text.endsWith("]");
            boolean control = piece.kind() != Piece.Kind.NORMAL || (named && text.length() > 2);
            String word =
                    control ? text : text.startsWith("\u2581") ? text.substring(1) : "##" + text;
            capitals |= !control && word.chars().anyMatch(Character::isUpperCase);
            vocabulary.putIfAbsent(word, id);
            pieces.add(
                    new Piece(
                            word, piece.score(), control ? Piece.Kind.CONTROL : Piece.Kind.NORMAL));
        }
        String unknown = tokenOf("unknown");
        Map<String, @Nullable Object> model = new LinkedHashMap<>();
        model.put("type", "WordPiece");
        model.put("unk_token", unknown == null ? "[UNK]" : unknown);
        model.put("continuing_subword_prefix", "##");
        model.put("max_input_chars_per_word", 100);
        model.put("vocab", vocabulary);
        TokenizerTree tree =
                TokenizerTree.of(model, TokenizerTree.named(pieces))
                        .normalizers(
                                List.of(
                                        TokenizerTree.step(
                                                "BertNormalizer",
                                                "clean_text",
                                                true,
                                                "handle_chinese_chars",
                                                true,
                                                "strip_accents",
                                                !capitals,
                                                "lowercase",
                                                !capitals)))
                        .splitters(List.of(TokenizerTree.step("BertPreTokenizer")))
                        .decoders(
                                List.of(
                                        TokenizerTree.step(
                                                "WordPiece", "prefix", "##", "cleanup", true)));
        JsonTree.write(folder.resolve(ModelDirectory.TOKENIZER), tree.tree());
    }

    /// All tokens with their scores and kinds; a file without these has plain tokens.
    private List<Piece> pieces() {
        List<?> scores = list("scores");
        List<?> types = list("token_type");
        List<Piece> pieces = new ArrayList<>();
        for (List<?> column : List.of(scores, types)) {
            if (!column.isEmpty() && column.size() != tokens.size()) {
                throw new ModelFileException(
                        file.path(),
                        "tokenizer.ggml: %d entries for %d tokens"
                                .formatted(column.size(), tokens.size()));
            }
        }
        for (int id = 0; id < tokens.size(); id++) {
            Object score = scores.isEmpty() ? 0.0 : scores.get(id);
            Object type = types.isEmpty() ? 1L : types.get(id);
            Optional<Piece.Kind> kind =
                    type instanceof Long number ? Piece.Kind.of(number) : Optional.empty();
            if (!(score instanceof Double value) || !Double.isFinite(value) || kind.isEmpty()) {
                throw new ModelFileException(
                        file.path(),
                        "token %d has score %s and type %s".formatted(id, score, type));
            }
            pieces.add(new Piece(tokens.get(id), value.floatValue(), kind.get()));
        }
        return pieces;
    }

    private boolean flag(String key, boolean otherwise) {
        return file.metadata().get("tokenizer.ggml." + key) instanceof Boolean value
                ? value
                : otherwise;
    }

    private byte[] characterMap() {
        List<?> values = list("precompiled_charsmap");
        byte[] map = new byte[values.size()];
        for (int i = 0; i < map.length; i++) {
            map[i] = values.get(i) instanceof Long value ? value.byteValue() : 0;
        }
        return map;
    }

    private List<String> merges() {
        return list("merges").stream().map(String::valueOf).toList();
    }

    private void writeConfig(Path folder) throws IOException {
        var config = new LinkedHashMap<String, @Nullable Object>();
        for (String role : List.of("bos", "eos", "padding", "unknown")) {
            String token = tokenOf(role);
            if (token != null) {
                String name =
                        role.equals("padding") ? "pad" : role.equals("unknown") ? "unk" : role;
                config.put(name + "_token", token);
            }
        }
        config.put(
                "add_bos_token",
                Boolean.TRUE.equals(file.metadata().get("tokenizer.ggml.add_bos_token")));
        JsonTree.write(folder.resolve(ModelDirectory.TOKENIZER_CONFIG), config);
        if (file.metadata().get("tokenizer.chat_template") instanceof String template) {
            Files.writeString(folder.resolve(ModelDirectory.CHAT_TEMPLATE), template);
        } else {
            notes.add("the file has no chat template");
        }
    }

    private @Nullable String tokenOf(String role) {
        return file.metadata().get("tokenizer.ggml.%s_token_id".formatted(role)) instanceof Long id
                        && id >= 0
                        && id < tokens.size()
                ? tokens.get(Math.toIntExact(id))
                : null;
    }

    private List<?> list(String key) {
        return file.metadata().get("tokenizer.ggml." + key) instanceof List<?> list
                ? list
                : List.of();
    }
}
