package dev.tunesmith.bench.text;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tunesmith.bench.golden.CaseRunner;
import dev.tunesmith.bench.golden.Comparison;
import dev.tunesmith.bench.golden.GoldenCase;
import dev.tunesmith.bench.text.Datasets.Refused;
import dev.tunesmith.contracts.dataset.AlignedRow;
import dev.tunesmith.contracts.dataset.DataOptions;
import dev.tunesmith.contracts.dataset.ValidationShare;
import dev.tunesmith.contracts.tool.Json;
import dev.tunesmith.contracts.tool.JsonReader;
import dev.tunesmith.engine.data.LengthRule;
import dev.tunesmith.engine.data.UnusableRowException;
import dev.tunesmith.engine.rows.RowFileException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/// `text/lf_datasets`: what LLaMA-Factory makes of datasets, from the rows to the batch.
public final class DatasetCases implements CaseRunner {

    @Override
    public void run(GoldenCase golden, Comparison comparison) {
        JsonNode tree = JsonFiles.tree(golden.folder().resolve(GoldenCase.FILE));
        switch (tree.path("kind").asText()) {
            case "lf_dataset_convert" -> convert(golden, tree, comparison);
            case "lf_dataset_options" -> options(tree, comparison);
            case "lf_dataset_pack" -> BatchCases.packed(golden, tree, comparison);
            case "lf_dataset_pretrain" -> BatchCases.pretrained(golden, tree, comparison);
            case "lf_dataset_collate" ->
                    BatchCases.collated(
                            golden, tree, sibling(golden, tree.path("of").asText()), comparison);
            case "lf_dataset_rules" -> rules(tree, comparison);
            case "lf_dataset_split" -> split(golden, tree, comparison);
            case "lf_dataset_error" ->
                    comparison.equal(
                            "refused",
                            refused(golden, tree),
                            tree.path("expected").path("refused").asBoolean());
            case "lf_dataset_crash" -> crash(golden, tree, comparison);
            case "lf_dataset_tokenize" -> TokenCases.run(golden, tree, comparison);
            default -> throw Datasets.unsupported("unknown kind " + tree.path("kind"));
        }
    }

    /// Another case of the same folder.
    private static JsonNode sibling(GoldenCase golden, String name) {
        return JsonFiles.tree(golden.above(name).resolve(GoldenCase.FILE));
    }

    private static void rules(JsonNode tree, Comparison comparison) {
        for (JsonNode point : tree.path("lengths_after_truncation")) {
            LengthRule.Cut cut =
                    LengthRule.cut(
                            point.path("source").asInt(),
                            point.path("target").asInt(),
                            point.path("budget").asInt());
            comparison.equal(
                    "lengths " + point,
                    List.of(cut.source(), cut.target()),
                    JsonFiles.integers(point.path("result")));
        }
        for (JsonNode point : tree.path("greedy_packs")) {
            List<Integer> lengths = JsonFiles.integers(point.path("lengths"));
            List<List<Integer>> packs =
                    LengthRule.packs(lengths, point.path("capacity").asInt()).stream()
                            .map(pack -> pack.stream().map(lengths::get).toList())
                            .toList();
            List<List<Integer>> expected = new ArrayList<>();
            point.path("packs").forEach(pack -> expected.add(JsonFiles.integers(pack)));
            comparison.equal("packs of " + lengths, packs, expected);
        }
    }

    private static void split(GoldenCase golden, JsonNode tree, Comparison comparison) {
        int rows =
                new Datasets(golden.above("data"))
                        .rows(
                                tree.path("dataset").asText(),
                                tree.path("stage").asText(),
                                Map.of(),
                                List.of())
                        .size();
        for (JsonNode point : tree.path("expected")) {
            OptionalInt held = ValidationShare.rows(rows, point.path("val_size").asDouble());
            String found =
                    held.isPresent()
                            ? "%d and %d".formatted(rows - held.getAsInt(), held.getAsInt())
                            : "refused";
            String expected =
                    point.path("refused").asBoolean()
                            ? "refused"
                            : "%d and %d"
                                    .formatted(
                                            point.path("train").asInt(),
                                            point.path("validation").asInt());
            comparison.equal("val_size " + point.path("val_size"), found, expected);
        }
    }

    /// Whether a dataset, its options or all of its rows are refused.
    private static boolean refused(GoldenCase golden, JsonNode tree) {
        Map<String, @Nullable Object> options = new LinkedHashMap<>(map(tree.path("options")));
        options.put("template", tree.path("template").asText());
        if (!new DataOptions(tree.path("stage").asText(), options).problems().isEmpty()) {
            return true;
        }
        try (TokenCases run = new TokenCases(golden, tree)) {
            int usable = 0;
            for (AlignedRow row : run.rows()) {
                if (run.usable(row)) {
                    usable += run.values(row).isEmpty() ? 0 : 1;
                }
            }
            return usable == 0;
        } catch (Refused | RowFileException | UnusableRowException _) {
            return true;
        }
    }

    /// One bad row is dropped, the others come out as in another case.
    private static void crash(GoldenCase golden, JsonNode tree, Comparison comparison) {
        JsonNode same = sibling(golden, tree.path("same_as").asText());
        try (TokenCases run = new TokenCases(golden, tree)) {
            List<Map<String, Object>> found = new ArrayList<>();
            List<Integer> dropped = new ArrayList<>();
            for (int i = 0; i < run.rows().size(); i++) {
                if (run.usable(run.rows().get(i))) {
                    found.add(run.values(run.rows().get(i)));
                } else {
                    dropped.add(i);
                }
            }
            comparison.equal("dropped", dropped, JsonFiles.integers(tree.path("dropped_rows")));
            comparison.equal("rows", found.size(), same.path("expected").size());
            for (int i = 0; i < Math.min(found.size(), same.path("expected").size()); i++) {
                comparison.equal(
                        "row " + i,
                        TokenCases.numbers(found.get(i).get("input_ids")),
                        JsonFiles.integers(same.path("expected").get(i).path("input_ids")));
            }
        }
    }

    /// A JSON object as a map of plain values.
    static Map<String, Object> map(JsonNode node) {
        Map<String, Object> map = new LinkedHashMap<>();
        if (JsonReader.read(node.isObject() ? node.toString() : "{}") instanceof Map<?, ?> tree) {
            tree.forEach((key, value) -> {
                if (value != null) {
                    map.put(key.toString(), value);
                }
            });
        }
        return map;
    }

    private static void convert(GoldenCase golden, JsonNode tree, Comparison comparison) {
        List<AlignedRow> rows =
                new Datasets(golden.above("data"))
                        .rows(
                                tree.path("dataset").asText(),
                                tree.path("stage").asText(),
                                map(tree.path("options")),
                                golden.list("picks"));
        JsonNode expected = tree.path("expected");
        comparison.equal("rows", rows.size(), expected.size());
        for (int i = 0; i < Math.min(rows.size(), expected.size()); i++) {
            comparison.equal(
                    "row " + i, written(rows.get(i), expected.get(i)), plain(expected.get(i)));
        }
        JsonNode matches = tree.path("placeholders_match");
        for (int i = 0; i < matches.size(); i++) {
            comparison.equal(
                    "placeholders of row " + i,
                    rows.get(i).mediaMatches(),
                    matches.get(i).asBoolean());
        }
    }

    /// A row that must be reported is null in the file.
    private static String written(AlignedRow row, JsonNode expected) {
        return expected.isNull() && row.problem().isPresent()
                ? "null"
                : Json.line(Datasets.tree(row));
    }

    /// Nothing, an empty text and an empty list mean the same in these rows.
    private static String plain(JsonNode row) {
        if (!(JsonReader.read(row.toString()) instanceof Map<?, ?> map)) {
            return "null";
        }
        Map<String, @Nullable Object> tree = new LinkedHashMap<>();
        map.forEach((key, value) ->
                tree.put(
                        key.toString(),
                        value == null
                                ? List.of("_system", "_tools").contains(key) ? "" : List.of()
                                : value));
        return Json.line(tree);
    }

    private static void options(JsonNode tree, Comparison comparison) {
        for (JsonNode check : tree.path("expected")) {
            Map<String, @Nullable Object> options = new LinkedHashMap<>();
            options.put("dataset", tree.path("dataset").asText());
            check.path("options")
                    .properties()
                    .forEach(option ->
                            options.put(
                                    option.getKey(),
                                    JsonReader.read(option.getValue().toString())));
            List<String> problems =
                    new DataOptions(check.path("stage").asText(), options).problems();
            comparison.equal(
                    "options %s in %s".formatted(options, check.path("stage").asText()),
                    !problems.isEmpty(),
                    check.path("refused").asBoolean());
        }
    }
}
