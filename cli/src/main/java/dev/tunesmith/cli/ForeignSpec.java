package dev.tunesmith.cli;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tunesmith.cli.foreign.ForeignTrainer;
import dev.tunesmith.cli.foreign.RowSource;
import dev.tunesmith.cli.foreign.Translation;
import dev.tunesmith.cli.foreign.Translation.Verdict;
import dev.tunesmith.contracts.method.Method;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;

/// A file of another trainer as a spec of ours, with what became of each of its options.
final class ForeignSpec {
    private static final int VALUE_SHOWN = 40;

    private final Translation translation;
    private final ForeignRows rows;
    private final SpecFile spec;

    private ForeignSpec(Translation translation, ForeignRows rows, SpecFile spec) {
        this.translation = translation;
        this.rows = rows;
        this.spec = spec;
    }

    /// Translates a file and applies changes to it.
    static ForeignSpec read(String trainer, Path file, List<String> words) {
        ForeignTrainer kind;
        try {
            kind = ForeignTrainer.of(trainer);
        } catch (IllegalArgumentException e) {
            throw new CommandFailure(ExitCode.USAGE, String.valueOf(e.getMessage()));
        }
        Translation translation = Translation.of(kind, SpecFile.tree(file));
        RowSource source = RowSource.of(kind, translation);
        SpecFile spec = SpecFile.of(translation.body());
        ForeignRows rows = ForeignRows.find(source, file);
        show(spec.body(), "training_file", rows.files(false));
        show(spec.body(), "validation_file", rows.files(true));
        return new ForeignSpec(translation, rows, spec.with(words));
    }

    private static void show(ObjectNode body, String key, List<Path> files) {
        if (!files.isEmpty()) {
            body.put(key, files.getFirst().normalize().toString());
        }
    }

    ObjectNode body() {
        return spec.body();
    }

    /// The spec as YAML.
    String yaml() {
        return SpecFile.yaml(spec.body());
    }

    /// What became of each option, one a line, refusals last.
    void explain(PrintStream out) {
        List<Translation.Line> lines =
                translation.lines().stream()
                        .sorted(Comparator.comparing(Translation.Line::verdict))
                        .toList();
        int width = lines.stream().mapToInt(line -> line.key().length()).max().orElse(1);
        for (Translation.Line line : lines) {
            String value = line.value().replace('\n', ' ');
            out.println(
                    ("%-8s %-" + width + "s  %s  %s %s")
                            .formatted(
                                    line.verdict().name().toLowerCase(Locale.ROOT),
                                    line.key(),
                                    value.length() > VALUE_SHOWN
                                            ? value.substring(0, VALUE_SHOWN) + "…"
                                            : value,
                                    line.verdict() == Verdict.MAPPED ? "→" : "—",
                                    line.words()));
        }
    }

    /// Refuses what cannot be had.
    ///
    /// @param force goes on without refused options
    void check(boolean force) {
        var problems = new ArrayList<String>();
        if (!force) {
            translation
                    .refused()
                    .forEach(line ->
                            problems.add(
                                    "%s: %s cannot be had (%s)"
                                            .formatted(line.key(), line.value(), line.words())));
        }
        if (translated("training_file") || !spec.body().has("training_file")) {
            problems.addAll(rows.problems());
        }
        if (!problems.isEmpty()) {
            throw new CommandFailure(
                    ExitCode.USAGE,
                    "the file cannot be translated as it is; --force leaves refused options out",
                    problems);
        }
    }

    /// Whether a path of the body is that of foreign rows and not one that was given by hand.
    private boolean translated(String key) {
        List<Path> files = rows.files(key.startsWith("validation"));
        return !files.isEmpty()
                && files.getFirst().normalize().toString().equals(spec.body().path(key).asText());
    }

    /// Writes the rows in our form into a folder and names them in the body.
    void writeRows(Path folder) {
        Method method = Method.of(spec.body().path("method").path("type").asText("supervised"));
        for (String key : List.of("training_file", "validation_file")) {
            if (translated(key)) {
                Path target = folder.resolve(key.replace("_file", "") + ".jsonl");
                rows.write(target, key.startsWith("validation"), method.rowKind());
                spec.body().put(key, target.toString());
            }
        }
    }

    /// A folder for rows that are uploaded and then forgotten.
    static Path rowsFolder() {
        try {
            return Files.createTempDirectory("tunesmith-rows");
        } catch (IOException e) {
            throw new CommandFailure(
                    ExitCode.OTHER, "cannot create a folder for rows: " + e.getMessage());
        }
    }

    static void remove(Path folder) {
        try (Stream<Path> files = Files.list(folder)) {
            for (Path file : files.toList()) {
                Files.delete(file);
            }
            Files.delete(folder);
        } catch (IOException e) {
            System.err.println("left behind: " + folder + " (" + e.getMessage() + ")");
        }
    }
}
