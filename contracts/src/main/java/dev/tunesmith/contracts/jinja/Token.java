package dev.tunesmith.contracts.jinja;

/// A piece of a template.
///
/// @param text the name, the operator, the digits, or the content of a text
record Token(Type type, String text, Position at) {
    enum Type {
        DATA,
        VARIABLE_BEGIN,
        VARIABLE_END,
        BLOCK_BEGIN,
        BLOCK_END,
        NAME,
        STRING,
        INTEGER,
        FLOAT,
        OPERATOR,
        END
    }

    boolean is(Type wanted, String wantedText) {
        return type == wanted && text.equals(wantedText);
    }

    boolean operator(String wanted) {
        return is(Type.OPERATOR, wanted);
    }

    boolean name(String wanted) {
        return is(Type.NAME, wanted);
    }

    /// How an error message names it.
    String shown() {
        return switch (type) {
            case END -> "the end of the template";
            case VARIABLE_END, BLOCK_END -> "the end of the tag";
            default -> "'" + text + "'";
        };
    }
}
