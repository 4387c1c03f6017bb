package dev.tunesmith.contracts.data;

import dev.tunesmith.contracts.data.RowInspection.Depth;
import dev.tunesmith.contracts.inspect.Finding;
import dev.tunesmith.contracts.inspect.FindingKind;
import dev.tunesmith.contracts.inspect.Findings;
import dev.tunesmith.contracts.twin.NearRows;
import dev.tunesmith.contracts.twin.Repeats;
import dev.tunesmith.contracts.twin.RowPrint;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// Puts the inspections of the parts of a file together, in the order of the file.
public final class FileInspection {

    /// How many rows are remembered to find repeated ones.
    public static final int ROWS_COMPARED = 1 << 20;

    /// How many rows are remembered to find those that say nearly the same.
    public static final int NEAR_ROWS_COMPARED = 1 << 17;

    private final RowInspection all = new RowInspection();
    private final Findings findings = new Findings(0);
    private final Seen seen;
    private final List<Earlier> earlier;
    private final Consumer<Finding> sink;
    private final Depth depth;

    /// What is remembered of the rows of a file.
    private record Seen(Repeats repeats, @Nullable NearRows near) {

        static Seen of(int rowsCompared, Depth depth) {
            return new Seen(
                    new Repeats(rowsCompared),
                    depth == Depth.NEARNESS
                            ? new NearRows(Math.min(rowsCompared, NEAR_ROWS_COMPARED))
                            : null);
        }
    }

    /// A file that was inspected before.
    ///
    /// @param trained whether this one validates what is trained on there
    private record Earlier(String name, Seen seen, boolean trained) {}

    /// @param sink gets every finding, in order of the parts
    public FileInspection(int rowsCompared, Consumer<Finding> sink) {
        this(Depth.TEXTS, rowsCompared, List.of(), sink);
    }

    private FileInspection(
            Depth depth, int rowsCompared, List<Earlier> earlier, Consumer<Finding> sink) {
        this.depth = depth;
        this.seen = Seen.of(rowsCompared, depth);
        this.earlier = List.copyOf(earlier);
        this.sink = sink;
    }

    /// An inspection that also finds rows which say nearly the same; it costs 300 bytes for each of
    /// the first rows and about a third more time.
    public static FileInspection comparing(int rowsCompared, Consumer<Finding> sink) {
        return new FileInspection(Depth.NEARNESS, rowsCompared, List.of(), sink);
    }

    /// An inspection that only tells rows that can be trained on from others.
    public static FileInspection ofRules() {
        return new FileInspection(Depth.RULES, 0, List.of(), _ -> {});
    }

    /// An inspection of the validation file to this training file: rows that stand in both are
    /// found.
    public FileInspection validation(int rowsCompared, Consumer<Finding> validationSink) {
        return after("the training file", true, rowsCompared, validationSink);
    }

    /// An inspection of another file beside this one and those before it.
    ///
    /// @param name what this file is called there
    /// @param validates whether the other file measures what is trained on these; otherwise it is
    ///   trained on too, and repeats them
    public FileInspection after(
            String name, boolean validates, int rowsCompared, Consumer<Finding> otherSink) {
        List<Earlier> all = new ArrayList<>();
        earlier.forEach(one -> all.add(new Earlier(one.name, one.seen, validates)));
        all.add(new Earlier(name, seen, validates));
        return new FileInspection(depth, rowsCompared, all, otherSink);
    }

    /// An inspection of the beginning of the file.
    public RowInspection begin() {
        return new RowInspection(depth, null);
    }

    /// The same with a work that gets every row that can be trained on.
    public RowInspection begin(RowWork work) {
        return new RowInspection(depth, work);
    }

    /// Adds the rows that follow.
    public void add(RowInspection part) {
        all.addAll(part);
        findings.addAll(part.findings).forEach(sink);
        part.drain((print, sketch, line) -> {
            boolean repeated = repeats(print, line);
            NearRows near = seen.near;
            long first =
                    sketch == null || near == null || repeated ? line : near.first(sketch, line);
            if (first != line) {
                found(
                        line,
                        FindingKind.NEAR_DUPLICATE,
                        "has nearly the words of line %d".formatted(first));
            }
            for (Earlier file : earlier) {
                if (beside(file, print, sketch, line)) {
                    break;
                }
            }
        });
    }

    private boolean repeats(RowPrint print, long line) {
        long exact = seen.repeats.exact(print, line);
        long normalised = seen.repeats.normalised(print, line);
        if (exact != line) {
            found(line, FindingKind.DUPLICATE_ROW, "repeats line " + exact);
        } else if (normalised != line) {
            found(
                    line,
                    FindingKind.NORMALISED_DUPLICATE,
                    "repeats line %d but for case or punctuation".formatted(normalised));
        }
        return exact != line || normalised != line;
    }

    /// Whether a row says what one of an earlier file says.
    private boolean beside(Earlier file, RowPrint print, int @Nullable [] sketch, long line) {
        long same = file.seen.repeats.known(print);
        if (same > 0) {
            found(
                    line,
                    file.trained ? FindingKind.LEAKED_ROW : FindingKind.DUPLICATE_ROW,
                    (file.trained ? "is also line %d of %s" : "repeats line %d of %s")
                            .formatted(same, file.name));
            return true;
        }
        NearRows rows = file.seen.near;
        long near = rows == null || sketch == null ? -1 : rows.known(sketch);
        if (near > 0) {
            found(
                    line,
                    file.trained ? FindingKind.NEAR_LEAK : FindingKind.NEAR_DUPLICATE,
                    "has nearly the words of line %d of %s".formatted(near, file.name));
        }
        return near > 0;
    }

    /// Adds what was found in another pass over the same rows.
    public void found(Finding finding) {
        findings.add(finding);
        sink.accept(finding);
    }

    private void found(long line, FindingKind kind, String message) {
        found(new Finding(line, kind, null, message));
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
                figures());
    }

    /// What is known so far besides rows that cannot be trained on.
    public RowFigures figures() {
        return new RowFigures(
                all.sizes().get(1), findings.tallies(), all.texts.scripts(), all.texts.languages());
    }
}
