package dev.tunesmith.contracts.grade;

/// A formula cannot be read; the message names the column, counted from 1.
public final class FormulaException extends IllegalArgumentException {
    private static final long serialVersionUID = 1;

    private final int column;

    FormulaException(int column, String message) {
        super("column %d: %s".formatted(column, message));
        this.column = column;
    }

    /// Where it stopped making sense, from 1.
    public int column() {
        return column;
    }
}
