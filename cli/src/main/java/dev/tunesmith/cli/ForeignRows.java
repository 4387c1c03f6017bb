package dev.tunesmith.cli;

import com.fasterxml.jackson.databind.MappingIterator;
import com.fasterxml.jackson.databind.ObjectReader;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tunesmith.cli.foreign.RowSource;
import dev.tunesmith.contracts.dataset.DatasetCatalog;
import dev.tunesmith.contracts.dataset.DatasetEntry;
import dev.tunesmith.contracts.dataset.UsualRow;
import dev.tunesmith.contracts.method.Method;
import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// The rows of another trainer's file, found by its `dataset_info.json` or its own words, and
/// written as rows of ours.
final class ForeignRows {
    private static final int BAD_ROWS_MAX = 5;
    private static final ObjectReader ROWS = Api.JSON.readerForMapOf(Object.class);

    private final RowSource source;
    private final List<String> problems = new ArrayList<>();
    private final Map<String, Found> found = new LinkedHashMap<>();

    /// A set whose file is there.
    private record Found(DatasetEntry entry, Path file) {}

    /// A set of rows and the file that holds them, as they are.
    record Named(String name, Path file) {}

    private ForeignRows(RowSource source) {
        this.source = source;
    }

    /// Looks for all sets beside the file, then below the working directory.
    static ForeignRows find(RowSource source, Path file) {
        var rows = new ForeignRows(source);
        Path beside = file.toAbsolutePath().resolveSibling(source.folder());
        rows.look(List.of(beside, Path.of(source.folder()).toAbsolutePath()));
        return rows;
    }

    /// What keeps the rows from being read; each ends with what to do.
    List<String> problems() {
        return List.copyOf(problems);
    }

    /// The sets that are trained on.
    List<Named> training() {
        return named(source.training());
    }

    /// The sets that are validated on.
    List<Named> validation() {
        return named(source.validation());
    }

    private List<Named> named(List<String> names) {
        return names.stream()
                .flatMap(name ->
                        Stream.ofNullable(found.get(name))
                                .map(set -> new Named(name, set.file().normalize())))
                .toList();
    }

    private void look(List<Path> folders) {
        Optional<DatasetCatalog> catalog = catalog(folders);
        if (catalog.isEmpty()) {
            return;
        }
        problems.addAll(catalog.get().problems());
        for (String name :
                Stream.concat(source.training().stream(), source.validation().stream()).toList()) {
            DatasetEntry entry = catalog.get().entries().get(name);
            if (entry == null) {
                problems.add(catalog.get().unknown(name));
            } else {
                locate(name, entry, folders);
            }
        }
        if (source.training().isEmpty()) {
            problems.add("the file names no rows: add training_file=FILE");
        }
    }

    private Optional<DatasetCatalog> catalog(List<Path> folders) {
        if (!source.entries().isEmpty() || source.training().isEmpty()) {
            return Optional.of(DatasetCatalog.of(source.entries()));
        }
        Optional<Path> info =
                folders.stream()
                        .map(folder -> folder.resolve("dataset_info.json"))
                        .filter(Files::isRegularFile)
                        .findFirst();
        if (info.isEmpty()) {
            problems.add(
                    "no dataset_info.json in %s: add training_file=FILE"
                            .formatted(folders.getFirst()));
            return Optional.empty();
        }
        try {
            Map<?, ?> tree = Api.JSON.readValue(info.get().toFile(), Map.class);
            return Optional.of(DatasetCatalog.of(tree));
        } catch (IOException e) {
            problems.add("cannot read %s: %s".formatted(info.get(), e.getMessage()));
            return Optional.empty();
        }
    }

    private void locate(String name, DatasetEntry entry, List<Path> folders) {
        String place = entry.source().name();
        if (entry.source().place() != DatasetEntry.Place.FILE) {
            problems.add(
                    "%s: the rows of \"%s\" are not on this machine: download them as JSON lines and add training_file=FILE"
                            .formatted(name, place));
            return;
        }
        Optional<Path> file =
                folders.stream()
                        .map(folder -> folder.resolve(place))
                        .filter(Files::isRegularFile)
                        .findFirst();
        if (file.isEmpty()) {
            problems.add("%s: no such file: %s".formatted(name, folders.getFirst().resolve(place)));
        } else if (!place.endsWith(".json") && !place.endsWith(".jsonl")) {
            problems.add(
                    "%s: %s is neither JSON nor JSON lines: write its rows as JSON lines and add training_file=FILE"
                            .formatted(name, place));
        } else {
            found.put(name, new Found(entry, file.get()));
        }
    }

    /// Writes the rows of sets, one after the other.
    ///
    /// @throws CommandFailure naming rows that cannot be used
    void write(Path target, List<Named> sets, Method.RowKind kind) {
        var bad = new ArrayList<String>();
        try (BufferedWriter out = Files.newBufferedWriter(target)) {
            for (Named named : sets) {
                Found set = found.get(named.name());
                if (set != null) {
                    copy(set, kind, out, bad);
                }
            }
        } catch (IOException e) {
            throw new CommandFailure(
                    ExitCode.USAGE, "the rows cannot be translated: " + e.getMessage());
        }
        if (!bad.isEmpty()) {
            throw new CommandFailure(
                    ExitCode.USAGE,
                    "%d rows cannot be used".formatted(bad.size()),
                    bad.stream().limit(BAD_ROWS_MAX).toList());
        }
    }

    private void copy(Found set, Method.RowKind kind, BufferedWriter out, List<String> bad)
            throws IOException {
        int most =
                Stream.concat(source.rowsMax().stream(), set.entry().numSamples().stream())
                        .mapToInt(Integer::intValue)
                        .min()
                        .orElse(Integer.MAX_VALUE);
        try (MappingIterator<Map<String, Object>> rows = ROWS.readValues(set.file().toFile())) {
            for (int i = 1; i <= most && rows.hasNextValue(); i++) {
                UsualRow row = UsualRow.of(UsualRow.parsed(rows.nextValue()), set.entry());
                @Nullable ObjectNode ours = ForeignRow.of(row, kind);
                if (ours == null) {
                    bad.add(
                            "%s, row %d: %s"
                                    .formatted(
                                            set.file().getFileName(),
                                            i,
                                            row.problem().orElse("holds no " + wanted(kind))));
                } else {
                    out.write(ours.toString());
                    out.newLine();
                }
            }
        }
    }

    private static String wanted(Method.RowKind kind) {
        return switch (kind) {
            case CONVERSATION -> "question with an answer";
            case DOCUMENT -> "text";
            case PAIR -> "question with a better and a worse answer";
            case JUDGED -> "answer with a verdict";
            case PROMPT -> "question";
        };
    }
}
