package dev.tunesmith.bench.text;

import dev.tunesmith.bench.golden.UnsupportedCaseException;
import dev.tunesmith.contracts.chat.Turn;
import dev.tunesmith.contracts.dataset.AlignedRow;
import dev.tunesmith.contracts.dataset.Alignment;
import dev.tunesmith.contracts.dataset.DataOptions;
import dev.tunesmith.contracts.dataset.DatasetCatalog;
import dev.tunesmith.contracts.dataset.DatasetEntry;
import dev.tunesmith.contracts.dataset.Mixing;
import dev.tunesmith.engine.io.JsonTree;
import dev.tunesmith.engine.rows.RowFile;
import dev.tunesmith.engine.rows.RowReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// The datasets of a folder with a `dataset_info.json`, read and aligned.
final class Datasets {

    private final Path folder;
    private final DatasetCatalog info;

    Datasets(Path folder) {
        this.folder = folder;
        this.info = DatasetCatalog.of(JsonTree.read(folder.resolve("dataset_info.json")));
    }

    /// A dataset cannot be used.
    static final class Refused extends RuntimeException {
        private static final long serialVersionUID = 1;

        Refused(String reason) {
            super(reason);
        }
    }

    /// The rows of datasets named in one text, in the order that the options ask for.
    ///
    /// @param picks the order in which lots chose datasets, if lots did
    List<AlignedRow> rows(String names, String stage, Map<String, Object> options, List<?> picks) {
        List<List<AlignedRow>> sets = new ArrayList<>();
        for (String name : names.split(",")) {
            List<AlignedRow> rows = rows(name.strip(), stage);
            int most =
                    options.get("max_samples") instanceof Number limit
                            ? limit.intValue()
                            : rows.size();
            sets.add(rows.subList(0, Math.min(most, rows.size())));
        }
        Mixing mixing =
                Mixing.named(String.valueOf(options.getOrDefault("mix_strategy", "concat")))
                        .orElseThrow(() -> new Refused("unknown mix_strategy"));
        int[] sizes = sets.stream().mapToInt(List::size).toArray();
        Iterator<?> lots = picks.iterator();
        long[] order =
                picks.isEmpty()
                        ? mixing.order(sizes)
                        : mixing.order(sizes, () -> ((Number) lots.next()).intValue());
        return Arrays.stream(order)
                .mapToObj(place -> sets.get(Mixing.dataset(place)).get(Mixing.row(place)))
                .toList();
    }

    private List<AlignedRow> rows(String name, String stage) {
        DatasetEntry entry =
                Optional.ofNullable(info.entries().get(name))
                        .orElseThrow(() -> new Refused(info.unknown(name)));
        new DataOptions(stage, Map.of())
                .rankingProblem(name, entry)
                .ifPresent(problem -> {
                    throw new Refused(problem);
                });
        Alignment alignment = new Alignment(entry, this::located);
        List<AlignedRow> rows = new ArrayList<>();
        Set<String> keys = new HashSet<>();
        try {
            for (Path file : RowFile.files(folder.resolve(entry.source().name()))) {
                try (RowReader reader = RowFile.everyLine(file)) {
                    Optional<Map<String, @Nullable Object>> row = reader.next();
                    while (row.isPresent()) {
                        keys.addAll(row.get().keySet());
                        rows.add(alignment.align(row.get()));
                        row = reader.next();
                    }
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException("reading " + name, e);
        }
        List<String> missing = alignment.missing(keys);
        if (!missing.isEmpty()) {
            throw new Refused(name + ": " + missing);
        }
        return rows;
    }

    private String located(String path) {
        Path here = folder.resolve(path);
        return Files.isRegularFile(here) ? "<DATA>/" + path : path;
    }

    /// The row as LLaMA-Factory holds it between its converters and its tokenising.
    static Map<String, Object> tree(AlignedRow row) {
        Map<String, Object> tree = new LinkedHashMap<>();
        List<Turn> answers = new ArrayList<>(row.answers());
        if (row.desirable().isPresent() && answers.size() == 1) {
            answers.add(row.desirable().get() ? 1 : 0, new Turn(Turn.Role.ASSISTANT, ""));
        }
        tree.put("_prompt", row.prompt().stream().map(Datasets::tree).toList());
        tree.put("_response", answers.stream().map(Datasets::tree).toList());
        tree.put("_system", row.system());
        tree.put("_tools", row.tools());
        for (String kind : List.of("images", "videos", "audios")) {
            tree.put("_" + kind, row.media().getOrDefault(kind, List.of()));
        }
        return tree;
    }

    private static Map<String, Object> tree(Turn turn) {
        Map<String, Object> tree = new LinkedHashMap<>();
        tree.put(
                "role",
                switch (turn.role()) {
                    case CALLS -> "function";
                    case RESULT -> "observation";
                    case USER, ASSISTANT -> turn.role().name().toLowerCase(Locale.ROOT);
                });
        tree.put("content", turn.content());
        return tree;
    }

    static UnsupportedCaseException unsupported(String reason) {
        return new UnsupportedCaseException(reason);
    }
}
