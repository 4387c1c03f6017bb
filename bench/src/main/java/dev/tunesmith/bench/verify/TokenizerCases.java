package dev.tunesmith.bench.verify;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tunesmith.bench.golden.CaseRunner;
import dev.tunesmith.bench.golden.Comparison;
import dev.tunesmith.bench.golden.GoldenCase;
import dev.tunesmith.bench.text.JsonFiles;
import dev.tunesmith.engine.io.JsonTree;
import dev.tunesmith.engine.text.IncrementalText;
import dev.tunesmith.engine.text.SpecialText;
import dev.tunesmith.engine.text.Tokenizer;
import dev.tunesmith.engine.text.Tokens;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// `text/tokenizers`: texts to ids and back, whole, token by token and in padded batches.
final class TokenizerCases implements CaseRunner {

    @Override
    public void run(GoldenCase golden, Comparison comparison) {
        try (Tokenizer tokenizer = Tokenizer.open(golden.folder().resolve("tokenizer.json"))) {
            golden.file("golden.jsonl")
                    .ifPresent(file ->
                            JsonFiles.lines(file).forEach(row -> text(tokenizer, row, comparison)));
            golden.file("decode.jsonl")
                    .ifPresent(file ->
                            JsonFiles.lines(file).forEach(row -> ids(tokenizer, row, comparison)));
            golden.file("long.json")
                    .ifPresent(file -> longText(golden, tokenizer, file, comparison));
            golden.file("batch.json")
                    .ifPresent(file -> batches(golden, tokenizer, file, comparison));
        }
    }

    private static void text(Tokenizer tokenizer, JsonNode row, Comparison comparison) {
        String name = row.path("name").asText("row");
        String text = row.get("text").asText();
        Tokens tokens = tokenizer.encodeWithOffsets(text, SpecialText.PARSED);
        comparison.equal(name + " ids", list(tokens.ids()), JsonFiles.integers(row.get("ids")));
        if (row.has("tokens")) {
            comparison.equal(
                    name + " tokens", tokenizer.tokens(text), JsonFiles.texts(row.get("tokens")));
        }
        if (row.has("offsets")) {
            comparison.equal(name + " offsets", offsets(tokens), row.get("offsets").toString());
        }
        Tokens added = tokenizer.encodeWithAddedAndOffsets(text, SpecialText.PARSED);
        comparison.equal(
                name + " ids with special",
                list(added.ids()),
                JsonFiles.integers(either(row, "ids_with_special", "ids")));
        if (row.has("offsets_with_special")) {
            comparison.equal(
                    name + " offsets with special",
                    offsets(added),
                    row.get("offsets_with_special").toString());
        }
        comparison.equal(
                name + " ids of plain text",
                list(tokenizer.encode(text, SpecialText.LITERAL)),
                JsonFiles.integers(either(row, "ids_split_special", "ids")));
        decoding(name, tokenizer, added.ids(), row, comparison);
    }

    private static void ids(Tokenizer tokenizer, JsonNode row, Comparison comparison) {
        int[] ids = JsonFiles.array(row.get("ids"));
        String name = "decode " + Arrays.toString(ids);
        comparison.equal(
                name + " tokens", names(tokenizer, ids), JsonFiles.texts(row.get("tokens")));
        decoding(name, tokenizer, ids, row, comparison);
    }

    private static void decoding(
            String name, Tokenizer tokenizer, int[] ids, JsonNode row, Comparison comparison) {
        comparison.equal(name, tokenizer.decode(ids, false), row.get("decoded").asText());
        String skipped = either(row, "decoded_skip_special", "decoded").asText();
        comparison.equal(name + " without special", tokenizer.decode(ids, true), skipped);
        if (row.has("stream")) {
            stream(name + " stream", tokenizer, ids, false, row.get("stream"), comparison);
        }
        if (row.has("stream_skip_special")) {
            JsonNode expected = row.get("stream_skip_special");
            stream(name + " stream without special", tokenizer, ids, true, expected, comparison);
        }
    }

    /// The chunks are those of the reference, as far as it gets, and together the whole text.
    private static void stream(
            String name,
            Tokenizer tokenizer,
            int[] ids,
            boolean skipSpecial,
            JsonNode expected,
            Comparison comparison) {
        IncrementalText incremental = tokenizer.incremental(skipSpecial);
        List<String> chunks = new ArrayList<>();
        for (int id : ids) {
            chunks.add(incremental.push(id));
        }
        String rest = incremental.flush();
        List<String> known = new ArrayList<>();
        boolean referenceFailed = false;
        for (JsonNode chunk : expected) {
            referenceFailed |= chunk.isObject();
            if (!chunk.isObject()) {
                known.add(chunk.asText(""));
            }
        }
        comparison.equal(name, chunks.subList(0, Math.min(known.size(), chunks.size())), known);
        if (!referenceFailed) {
            comparison.equal(
                    name + " joined",
                    String.join("", chunks) + rest,
                    tokenizer.decode(ids, skipSpecial));
        }
    }

    private static void longText(
            GoldenCase golden, Tokenizer tokenizer, Path file, Comparison comparison) {
        JsonNode tree = JsonFiles.tree(file);
        textFile(golden, tree.get("file").asText())
                .ifPresent(text ->
                        comparison.equal(
                                "long text",
                                list(tokenizer.encode(read(text), SpecialText.PARSED)),
                                JsonFiles.integers(tree.get("ids"))));
    }

    /// The long text lies beside the case or with the generator scripts; without it there is
    /// nothing to compare.
    private static Optional<Path> textFile(GoldenCase golden, String name) {
        Path at = golden.folder().toAbsolutePath();
        while (at != null) {
            for (Path candidate :
                    List.of(at.resolve(name), at.resolve("generate/text_inputs").resolve(name))) {
                if (Files.exists(candidate)) {
                    return Optional.of(candidate);
                }
            }
            at = at.getParent();
        }
        return Optional.empty();
    }

    private static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            throw new UncheckedIOException("reading " + file, e);
        }
    }

    private static void batches(
            GoldenCase golden, Tokenizer tokenizer, Path file, Comparison comparison) {
        JsonNode tree = JsonFiles.tree(file);
        PaddedBatch batch =
                new PaddedBatch(
                        tokenizer, padding(golden, tokenizer), JsonFiles.texts(tree.get("texts")));
        int number = 0;
        for (JsonNode call : tree.get("calls")) {
            number++;
            List<List<Integer>> ids = batch.ids(call);
            List<List<Integer>> mask = batch.mask(call);
            comparison.equal("batch %d ids".formatted(number), ids, rows(call.get("input_ids")));
            comparison.equal(
                    "batch %d mask".formatted(number), mask, rows(call.get("attention_mask")));
        }
    }

    private static int padding(GoldenCase golden, Tokenizer tokenizer) {
        Map<String, Object> special =
                golden.file("special_tokens_map.json").map(JsonTree::read).orElse(Map.of());
        Object token = special.getOrDefault("pad_token", special.get("eos_token"));
        return tokenizer.id(String.valueOf(token)).orElse(0);
    }

    private static List<List<Integer>> rows(JsonNode array) {
        List<List<Integer>> rows = new ArrayList<>();
        array.forEach(row -> rows.add(JsonFiles.integers(row)));
        return rows;
    }

    private static JsonNode either(JsonNode row, String key, String otherwise) {
        return row.has(key) ? row.get(key) : row.get(otherwise);
    }

    private static List<String> names(Tokenizer tokenizer, int[] ids) {
        return Arrays.stream(ids).mapToObj(id -> tokenizer.token(id).orElse("")).toList();
    }

    private static List<Integer> list(int[] ids) {
        return Arrays.stream(ids).boxed().toList();
    }

    private static String offsets(Tokens tokens) {
        List<String> pairs = new ArrayList<>();
        for (int i = 0; i < tokens.size(); i++) {
            pairs.add("[%d,%d]".formatted(tokens.begins()[i], tokens.ends()[i]));
        }
        return "[" + String.join(",", pairs) + "]";
    }
}
