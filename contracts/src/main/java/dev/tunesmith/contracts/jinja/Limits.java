package dev.tunesmith.contracts.jinja;

/// What a template may use up; templates are uploads of strangers.
public final class Limits {
    public static final int SOURCE_CHARS_MAX = 64 << 10;
    public static final int TOKENS_MAX = 20_000;
    public static final int STEPS_MAX = 500_000;

    /// Steps that no honest template needs; behind them time is short.
    public static final int STEPS_FREE = 125_000;

    public static final int OUTPUT_CHARS_MAX = 4 << 20;
    public static final int DEPTH_MAX = 32;
    public static final int ITEMS_MAX = 100_000;

    private Limits() {}

    public static TemplateException reached(String what) {
        return TemplateException.of(TemplateException.Kind.LIMIT, what);
    }

    /// Fails if a text would grow past the limit.
    public static void checkLength(long chars) {
        if (chars > OUTPUT_CHARS_MAX) {
            throw reached("a text of more than %d characters".formatted(OUTPUT_CHARS_MAX));
        }
    }

    /// Fails if a list would grow past the limit.
    public static void checkItems(long items) {
        if (items > ITEMS_MAX) {
            throw TemplateException.runtime("more than %d items".formatted(ITEMS_MAX));
        }
    }
}
