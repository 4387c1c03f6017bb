package dev.tunesmith.bench.text;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tunesmith.bench.golden.CaseRunner;
import dev.tunesmith.bench.golden.Comparison;
import dev.tunesmith.bench.golden.GoldenCase;
import dev.tunesmith.contracts.dataset.AlignedRow;
import dev.tunesmith.contracts.dataset.DataOptions;
import dev.tunesmith.contracts.tool.Json;
import dev.tunesmith.contracts.tool.JsonReader;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// `text/lf_datasets`: what LLaMA-Factory makes of datasets, from the rows to the batch.
public final class DatasetCases implements CaseRunner {

    @Override
    public void run(GoldenCase golden, Comparison comparison) {
        JsonNode tree = JsonFiles.tree(golden.folder().resolve(GoldenCase.FILE));
        switch (tree.path("kind").asText()) {
            case "lf_dataset_convert" -> convert(golden, tree, comparison);
            case "lf_dataset_options" -> options(tree, comparison);
            default -> throw Datasets.unsupported("unknown kind " + tree.path("kind"));
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
