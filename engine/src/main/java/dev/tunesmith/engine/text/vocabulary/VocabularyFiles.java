package dev.tunesmith.engine.text.vocabulary;

import dev.tunesmith.engine.io.JsonTree;
import dev.tunesmith.engine.io.ModelFileException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// Reads a vocabulary of any notation; the name of the file and its first bytes tell which.
public final class VocabularyFiles {
    private static final long FILE_BYTES_MAX = 64L << 20;
    private static final String VOCABULARY = "vocab.json";
    private static final String MERGES = "merges.txt";
    private static final String UNKNOWN_WORD = "[UNK]";

    private VocabularyFiles() {}

    /// The tree of a `tokenizer.json`, or what a file of another notation means as such.
    ///
    /// @throws ModelFileException if the file is missing, malformed or of a kind that is not read
    public static Map<String, Object> tree(Path file) {
        String name = file.getFileName().toString();
        if (name.equals(VOCABULARY)) {
            return parsed(file, byteLevel(file).tree());
        }
        if (name.endsWith(".json")) {
            return JsonTree.read(file);
        }
        byte[] content = content(file);
        if (name.equals("vocab.txt")) {
            return parsed(file, words(file, content).tree());
        }
        return parsed(
                file,
                (TiktokenRanks.isOne(content)
                                ? TiktokenRanks.read(file, content)
                                : SentencePieceModel.read(file, content))
                        .tree());
    }

    /// Plain values only, as if the tree had been read from a file.
    private static Map<String, Object> parsed(Path file, Map<String, @Nullable Object> tree) {
        return JsonTree.parse(file, JsonTree.text(tree));
    }

    private static byte[] content(Path file) {
        try {
            long bytes = Files.size(file);
            if (bytes > FILE_BYTES_MAX) {
                throw new ModelFileException(
                        file, "%d bytes exceed the limit of %d".formatted(bytes, FILE_BYTES_MAX));
            }
            return Files.readAllBytes(file);
        } catch (NoSuchFileException _) {
            throw new ModelFileException(file, "the file does not exist");
        } catch (IOException e) {
            throw new UncheckedIOException("reading " + file, e);
        }
    }

    private static List<String> lines(Path file, byte[] content) {
        try {
            return StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(content))
                    .toString()
                    .lines()
                    .toList();
        } catch (CharacterCodingException _) {
            throw new ModelFileException(file, "not UTF-8");
        }
    }

    /// `vocab.json` and `merges.txt` of GPT-2 and its like.
    private static TokenizerTree byteLevel(Path file) {
        Map<String, Integer> vocabulary = new LinkedHashMap<>();
        JsonTree.read(file)
                .forEach((token, id) -> {
                    if (!(id instanceof Integer number) || number < 0) {
                        throw new ModelFileException(
                                file, "token %s has id %s".formatted(token, id));
                    }
                    vocabulary.put(token, number);
                });
        AddedTokens added = AddedTokens.beside(file);
        for (String role : List.of("bos_token", "eos_token", "unk_token", "pad_token")) {
            String name = added.role(role).orElse("");
            Integer id = vocabulary.get(name);
            if (id != null) {
                added.orElse(new AddedTokens.Token(id, name, true));
            }
        }
        added.all().forEach(token -> vocabulary.putIfAbsent(token.content(), token.id()));
        boolean qwen = added.text("tokenizer_class").startsWith("Qwen2");
        TokenizerTree tree =
                TokenizerTree.of(
                                TokenizerTree.bpe(
                                        vocabulary, merges(file), TokenizerTree.Bpe.OF_BYTES),
                                added.entries())
                        .normalizers(qwen ? List.of(TokenizerTree.step("NFC")) : List.of())
                        .splitters(Splits.ofGguf(qwen ? "qwen2" : "gpt2").orElseThrow().steps())
                        .decoders(List.of(TokenizerTree.byteLevel(false)));
        added.around(false).ifPresent(tree::postProcessor);
        return tree;
    }

    private static List<List<String>> merges(Path vocabulary) {
        Path file = vocabulary.resolveSibling(MERGES);
        List<List<String>> merges = new ArrayList<>();
        List<String> lines = lines(file, content(file));
        for (int i = 0; i < lines.size(); i++) {
            String line = lines.get(i);
            if (line.isBlank() || (i == 0 && line.startsWith("#version"))) {
                continue;
            }
            String[] parts = line.split(" ", -1);
            if (parts.length != 2 || parts[0].isEmpty() || parts[1].isEmpty()) {
                throw new ModelFileException(file, "line %d is no pair of tokens".formatted(i + 1));
            }
            merges.add(List.of(parts[0], parts[1]));
        }
        return merges;
    }

    /// `vocab.txt` of BERT and its like: a token a line.
    private static TokenizerTree words(Path file, byte[] content) {
        Map<String, Integer> vocabulary = new LinkedHashMap<>();
        List<String> lines = lines(file, content);
        for (int id = 0; id < lines.size(); id++) {
            vocabulary.putIfAbsent(lines.get(id), id);
        }
        AddedTokens added = AddedTokens.beside(file);
        for (String name : List.of("[PAD]", UNKNOWN_WORD, "[CLS]", "[SEP]", "[MASK]")) {
            Integer id = vocabulary.get(name);
            if (id != null) {
                added.orElse(new AddedTokens.Token(id, name, true));
            }
        }
        added.all().forEach(token -> vocabulary.putIfAbsent(token.content(), token.id()));
        if (!vocabulary.containsKey(UNKNOWN_WORD)) {
            throw new ModelFileException(file, UNKNOWN_WORD + " is missing");
        }
        boolean lower = added.flag("do_lower_case").orElse(true);
        Map<String, Object> clean =
                TokenizerTree.step(
                        "BertNormalizer",
                        "clean_text",
                        true,
                        "handle_chinese_chars",
                        added.flag("tokenize_chinese_chars").orElse(true),
                        "strip_accents",
                        added.flag("strip_accents").orElse(lower),
                        "lowercase",
                        lower);
        Map<String, @Nullable Object> model = new LinkedHashMap<>();
        model.put("type", "WordPiece");
        model.put("unk_token", UNKNOWN_WORD);
        model.put("continuing_subword_prefix", "##");
        model.put("max_input_chars_per_word", 100);
        model.put("vocab", vocabulary);
        TokenizerTree tree =
                TokenizerTree.of(model, added.entries())
                        .normalizers(List.of(clean))
                        .splitters(List.of(TokenizerTree.step("BertPreTokenizer")))
                        .decoders(
                                List.of(
                                        TokenizerTree.step(
                                                "WordPiece", "prefix", "##", "cleanup", true)));
        added.find("[CLS]")
                .flatMap(first ->
                        added.find("[SEP]")
                                .map(last -> TokenizerTree.around(List.of(first), List.of(last))))
                .ifPresent(tree::postProcessor);
        return tree;
    }
}
