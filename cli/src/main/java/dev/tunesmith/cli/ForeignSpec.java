package dev.tunesmith.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tunesmith.cli.ForeignRows.Named;
import dev.tunesmith.cli.SpecFile.FilePlace;
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
    private static final String DATA = "/x_training/data";
    private static final List<String> MIXING_KEYS = List.of("mix_strategy", "interleave_probs");
    private static final List<String> DATA_KEYS =
            List.of("data", "mix_strategy", "interleave_probs");

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
        nameFiles(spec.body(), rows);
        SpecFile changed = spec.with(words);
        if (changed.body().has("training_file")) {
            remove(changed.body(), DATA_KEYS);
        } else if (rows.training().size() < 2) {
            remove(changed.body(), MIXING_KEYS);
        }
        return new ForeignSpec(translation, rows, changed);
    }

    /// One set of rows is the training file, several stand in `x_training.data`.
    private static void nameFiles(ObjectNode body, ForeignRows rows) {
        List<Named> training = rows.training();
        if (training.size() == 1) {
            body.put("training_file", training.getFirst().file().toString());
        }
        if (training.size() > 1) {
            ArrayNode data = body.withObject("/x_training").putArray("data");
            for (Named set : training) {
                data.addObject().put("name", set.name()).put("file", set.file().toString());
            }
        }
        if (!rows.validation().isEmpty()) {
            body.put("validation_file", rows.validation().getFirst().file().toString());
        }
    }

    private static void remove(ObjectNode body, List<String> keys) {
        if (body.path("x_training") instanceof ObjectNode training) {
            ObjectNode _ = training.remove(keys);
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
        boolean own = spec.body().has("training_file") || spec.body().at(DATA).isArray();
        if (!own || SpecFile.files(spec.body()).stream().anyMatch(this::isTranslated)) {
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
    private boolean isTranslated(FilePlace place) {
        return !setsOf(place).isEmpty();
    }

    /// The foreign rows that belong at a place; none if it was given by hand.
    private List<Named> setsOf(FilePlace place) {
        if (place.key().equals("validation_file")) {
            List<Named> sets = rows.validation();
            boolean same =
                    !sets.isEmpty() && sets.getFirst().file().toString().equals(place.value());
            return same ? sets : List.of();
        }
        String name = place.parent().path("name").asText("");
        return rows.training().stream()
                .filter(set -> set.file().toString().equals(place.value()))
                .filter(set -> place.key().equals("training_file") || set.name().equals(name))
                .limit(1)
                .toList();
    }

    /// Writes the rows in our form into a folder and names them in the body.
    void writeRows(Path folder) {
        Method method = Method.of(spec.body().path("method").path("type").asText("supervised"));
        int number = 0;
        for (FilePlace place : SpecFile.files(spec.body())) {
            List<Named> sets = setsOf(place);
            if (!sets.isEmpty()) {
                String name =
                        place.key().equals("file")
                                ? "%d-%s".formatted(++number, plain(sets.getFirst().name()))
                                : place.key().replace("_file", "");
                Path target = folder.resolve(name + ".jsonl");
                rows.write(target, sets, method.rowKind());
                place.put(target.toString());
            }
        }
    }

    private static String plain(String name) {
        return name.replaceAll("[^A-Za-z0-9._-]", "-");
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
