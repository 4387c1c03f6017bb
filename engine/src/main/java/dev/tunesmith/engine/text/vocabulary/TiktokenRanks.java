package dev.tunesmith.engine.text.vocabulary;

import dev.tunesmith.engine.io.ModelFileException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/// Rank files of tiktoken: a line for each token, its bytes in base 64 and its rank.
///
/// Such a file says nothing about the split and the control tokens. Both are known for the
/// published files, which differ in their number of ranks; for any other one the split of Llama 3
/// is taken, and control tokens come from the files beside it.
final class TiktokenRanks {
    private static final int TOKEN_BYTES_MAX = 512;

    private static final Splits.Cut WORDS = Splits.Cut.by(Splits.THREE_DIGITS);

    private final Path file;
    private final Map<String, Integer> ranks = new LinkedHashMap<>();

    private TiktokenRanks(Path file) {
        this.file = file;
    }

    /// Whether that is the beginning of such a file.
    static boolean isOne(byte[] content) {
        int end = 0;
        while (end < content.length && end < TOKEN_BYTES_MAX && content[end] != '\n') {
            end++;
        }
        String line = new String(content, 0, end, StandardCharsets.ISO_8859_1);
        return line.matches("[A-Za-z0-9+/]+=* \\d+\r?");
    }

    /// The tree of the ranks and of the tokens that lie beside them.
    static TokenizerTree read(Path file, byte[] content) {
        var read = new TiktokenRanks(file);
        String text = new String(content, StandardCharsets.ISO_8859_1);
        int at = 0;
        while (at < text.length()) {
            int end = text.indexOf('\n', at);
            end = end < 0 ? text.length() : end;
            read.line(text.substring(at, end).strip(), at);
            at = end + 1;
        }
        return read.tree();
    }

    private void line(String line, int at) {
        if (line.isEmpty()) {
            return;
        }
        int blank = line.indexOf(' ');
        try {
            byte[] token = Base64.getDecoder().decode(line.substring(0, Math.max(0, blank)));
            int rank = Integer.parseInt(line.substring(blank + 1));
            if (rank < 0 || token.length == 0 || token.length > TOKEN_BYTES_MAX) {
                throw new ModelFileException(
                        file, at, "%d bytes with rank %d".formatted(token.length, rank));
            }
            if (ranks.put(ByteAlphabet.spell(token), rank) != null) {
                throw new ModelFileException(file, at, "the token stands there twice");
            }
        } catch (IllegalArgumentException _) {
            throw new ModelFileException(file, at, "not a token in base 64 and its rank");
        }
    }

    private TokenizerTree tree() {
        for (int value = 0; value < 256; value++) {
            if (!ranks.containsKey(ByteAlphabet.spell(new byte[] {(byte) value}))) {
                throw new ModelFileException(file, "byte %d has no rank".formatted(value));
            }
        }
        AddedTokens added = AddedTokens.beside(file);
        Known known = known();
        if (added.all().isEmpty()) {
            known.control.forEach(
                    (id, name) -> added.orElse(new AddedTokens.Token(id, name, true)));
        }
        added.all().forEach(token -> ranks.putIfAbsent(token.content(), token.id()));
        TokenizerTree tree =
                TokenizerTree.of(
                                TokenizerTree.bpe(
                                        ranks, merges(), new TokenizerTree.Bpe(null, false, true)),
                                added.entries())
                        .splitters(known.cut.steps())
                        .decoders(List.of(TokenizerTree.byteLevel(false)));
        added.around(false).ifPresent(tree::postProcessor);
        return tree;
    }

    private record Merge(String left, String right, int rank) {}

    /// Every way to put a token together from two tokens, low ranks first.
    private List<List<String>> merges() {
        List<Merge> merges = new ArrayList<>();
        ranks.forEach((token, rank) -> {
            for (int at = 1; at < token.length(); at++) {
                String left = token.substring(0, at);
                String right = token.substring(at);
                if (ranks.containsKey(left) && ranks.containsKey(right)) {
                    merges.add(new Merge(left, right, rank));
                }
            }
        });
        merges.sort(
                Comparator.comparingInt(Merge::rank)
                        .thenComparingInt(merge -> ranks.getOrDefault(merge.left, 0))
                        .thenComparingInt(merge -> ranks.getOrDefault(merge.right, 0)));
        return merges.stream().map(merge -> List.of(merge.left, merge.right)).toList();
    }

    /// What is known of a published file.
    private record Known(Splits.Cut cut, Map<Integer, String> control) {}

    private Known known() {
        return switch (ranks.size()) {
            case 50_256, 50_280 ->
                    new Known(Splits.ofGguf("gpt2").orElseThrow(), one(50_256, "<|endoftext|>"));
            case 100_256 -> new Known(Splits.Cut.by(Splits.THREE_DIGITS_AND_END), cl100k());
            case 128_000 -> new Known(WORDS, llama3());
            case 151_643 -> new Known(Splits.Cut.by(Splits.DIGITS_ALONE), qwen());
            case 199_998 ->
                    new Known(
                            Splits.Cut.by(Splits.CASES),
                            Map.of(199_999, "<|endoftext|>", 200_018, "<|endofprompt|>"));
            default -> new Known(WORDS, Map.of());
        };
    }

    private static Map<Integer, String> one(int id, String name) {
        return Map.of(id, name);
    }

    private static Map<Integer, String> cl100k() {
        return Map.of(
                100_257, "<|endoftext|>",
                100_258, "<|fim_prefix|>",
                100_259, "<|fim_middle|>",
                100_260, "<|fim_suffix|>",
                100_276, "<|endofprompt|>");
    }

    private static Map<Integer, String> llama3() {
        List<String> names =
                List.of(
                        "<|begin_of_text|>",
                        "<|end_of_text|>",
                        "<|reserved_special_token_0|>",
                        "<|reserved_special_token_1|>",
                        "<|finetune_right_pad_id|>",
                        "<|reserved_special_token_2|>",
                        "<|start_header_id|>",
                        "<|end_header_id|>",
                        "<|eom_id|>",
                        "<|eot_id|>",
                        "<|python_tag|>");
        Map<Integer, String> control = new LinkedHashMap<>();
        names.forEach(name -> control.put(128_000 + control.size(), name));
        IntStream.range(3, 248)
                .forEach(number ->
                        control.put(
                                128_000 + control.size(),
                                "<|reserved_special_token_%d|>".formatted(number)));
        return control;
    }

    private static Map<Integer, String> qwen() {
        Map<Integer, String> control = new LinkedHashMap<>();
        List.of("<|endoftext|>", "<|im_start|>", "<|im_end|>")
                .forEach(name -> control.put(151_643 + control.size(), name));
        return control;
    }
}
