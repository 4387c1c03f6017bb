package dev.tunesmith.contracts.jinja;

/// A template cannot be compiled or rendered.
public final class TemplateException extends RuntimeException {
    private static final long serialVersionUID = 1;

    /// What went wrong.
    public enum Kind {
        /// The text is no template.
        SYNTAX,
        /// Something was done with a value that does not exist.
        UNDEFINED,
        /// An operation does not suit its values.
        RUNTIME,
        /// The template reached for something that it must not have.
        SECURITY,
        /// The template itself refused, by `raise_exception`.
        RAISED,
        /// The conversation was refused before rendering.
        INPUT,
        /// A limit of the interpreter was reached.
        LIMIT
    }

    private final Kind kind;
    private final String reason;
    private final int line;
    private final int column;

    private TemplateException(Kind kind, String reason, int line, int column) {
        super(line > 0 ? "line %d, column %d: %s".formatted(line, column, reason) : reason);
        this.kind = kind;
        this.reason = reason;
        this.line = line;
        this.column = column;
    }

    public static TemplateException of(Kind kind, String reason) {
        return new TemplateException(kind, reason, 0, 0);
    }

    public static TemplateException runtime(String reason) {
        return of(Kind.RUNTIME, reason);
    }

    public static TemplateException syntax(String reason, Position at) {
        return of(Kind.SYNTAX, reason).at(at);
    }

    /// The same failure with its place, unless it has one.
    public TemplateException at(Position position) {
        if (line > 0) {
            return this;
        }
        var placed = new TemplateException(kind, reason, position.line(), position.column());
        placed.setStackTrace(getStackTrace());
        return placed;
    }

    public Kind kind() {
        return kind;
    }

    /// The message without the place.
    public String reason() {
        return reason;
    }

    /// Line of the template, counted from 1; 0 if the failure has no place.
    public int line() {
        return line;
    }

    /// Column of the template, counted from 1; 0 if the failure has no place.
    public int column() {
        return column;
    }
}
