package dev.tunesmith.contracts.data;

import dev.tunesmith.contracts.inspect.Finding;
import dev.tunesmith.contracts.inspect.FindingKind;
import dev.tunesmith.contracts.inspect.Findings;
import dev.tunesmith.contracts.twin.Repeats;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// Puts the inspections of the parts of a file together, in the order of the file.
public final class FileInspection {

    /// How many rows are remembered to find repeated ones.
    public static final int ROWS_COMPARED = 1 << 20;

    private final RowInspection all = new RowInspection();
    private final Findings findings = new Findings(0);
    private final Repeats repeats;
    private final @Nullable Repeats trained;
    private final Consumer<Finding> sink;

    /// @param sink gets every finding, in order of the parts
    public FileInspection(int rowsCompared, Consumer<Finding> sink) {
        this(new Repeats(rowsCompared), null, sink);
    }

    private FileInspection(Repeats repeats, @Nullable Repeats trained, Consumer<Finding> sink) {
        this.repeats = repeats;
        this.trained = trained;
        this.sink = sink;
    }

    /// An inspection of the validation file to this training file: rows that stand in both are
    /// found.
    public FileInspection validation(int rowsCompared, Consumer<Finding> validationSink) {
        return new FileInspection(new Repeats(rowsCompared), repeats, validationSink);
    }

    /// Adds the rows that follow.
    public void add(RowInspection part) {
        all.addAll(part);
        findings.addAll(part.findings).forEach(sink);
        part.drain((print, line) -> {
            long exact = repeats.exact(print, line);
            long normalised = repeats.normalised(print, line);
            if (exact != line) {
                found(line, FindingKind.DUPLICATE_ROW, "repeats line " + exact);
            } else if (normalised != line) {
                found(
                        line,
                        FindingKind.NORMALISED_DUPLICATE,
                        "repeats line %d but for case or punctuation".formatted(normalised));
            }
            if (trained != null && trained.known(print) > 0) {
                found(
                        line,
                        FindingKind.LEAKED_ROW,
                        "is also line %d of the training file".formatted(trained.known(print)));
            }
        });
    }

    private void found(long line, FindingKind kind, String message) {
        Finding finding = new Finding(line, kind, null, message);
        findings.add(finding);
        sink.accept(finding);
    }

    /// Everything that was found.
    ///
    /// @param fileBytes bytes of the file, to tell an empty one from one without rows
    public RowSummary finish(long fileBytes) {
        long rows = all.sizes().get(0);
        if (rows == 0 && all.problems.none()) {
            all.ofFile(fileBytes == 0 ? "the file is empty" : "the file has no rows");
        }
        return new RowSummary(
                all.format().orElse(null),
                rows,
                findings.count(FindingKind.DUPLICATE_ROW),
                all.sizes().get(2),
                all.problems.count(),
                all.problems.kept(),
                new RowFigures(
                        all.sizes().get(1),
                        findings.tallies(),
                        all.texts.scripts(),
                        all.texts.languages()));
    }
}
