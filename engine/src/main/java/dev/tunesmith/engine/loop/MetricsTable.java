package dev.tunesmith.engine.loop;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// Loss and accuracy of every step, and of the validation rows where they were looked at.
///
/// The table travels in the checkpoint, so that a resumed run ends with the same file.
///
/// @param rows one row a step that trained or evaluated, in rising order
public record MetricsTable(List<Row> rows) {

    private static final String HEADER =
            "step,train_loss,train_accuracy,valid_loss,valid_mean_token_accuracy";

    /// A table without rows.
    public static final MetricsTable EMPTY = new MetricsTable(List.of());

    /// One step; a value that was not measured is absent.
    public record Row(
            int step,
            @Nullable Double trainLoss,
            @Nullable Double trainAccuracy,
            @Nullable Double validLoss,
            @Nullable Double validAccuracy) {}

    public MetricsTable {
        rows = List.copyOf(rows);
    }

    /// The first validation result, if any.
    public Optional<Row> firstEvaluation() {
        return rows.stream().filter(row -> row.validLoss() != null).findFirst();
    }

    /// The latest validation result, if any.
    public Optional<Row> lastEvaluation() {
        return rows.reversed().stream().filter(row -> row.validLoss() != null).findFirst();
    }

    /// The latest trained step, if any.
    public Optional<Row> lastStep() {
        return rows.reversed().stream().filter(row -> row.trainLoss() != null).findFirst();
    }

    /// The table as CSV with the column names of OpenAI's result files.
    public String csv() {
        StringBuilder text = new StringBuilder(HEADER).append('\n');
        for (Row row : rows) {
            text.append(row.step());
            for (Double value :
                    new @Nullable Double[] {
                        row.trainLoss(), row.trainAccuracy(), row.validLoss(), row.validAccuracy()
                    }) {
                text.append(',');
                if (value != null) {
                    text.append(String.format(Locale.ROOT, "%.6f", value));
                }
            }
            text.append('\n');
        }
        return text.toString();
    }

    /// Collects rows while a run goes on.
    static final class Builder {
        private final List<Row> rows;

        Builder(MetricsTable start) {
            this.rows = new ArrayList<>(start.rows());
        }

        void trained(int step, double loss, double accuracy) {
            rows.add(new Row(step, loss, accuracy, null, null));
        }

        /// Adds the result to the row of the same step, or starts one (before the first step).
        void evaluated(Evaluation result) {
            Row last = rows.isEmpty() ? null : rows.getLast();
            if (last == null || last.step() != result.step()) {
                rows.add(new Row(result.step(), null, null, result.loss(), result.accuracy()));
            } else {
                rows.set(
                        rows.size() - 1,
                        new Row(
                                result.step(),
                                last.trainLoss(),
                                last.trainAccuracy(),
                                result.loss(),
                                result.accuracy()));
            }
        }

        MetricsTable build() {
            return new MetricsTable(rows);
        }
    }
}
