package dev.tunesmith.contracts.template;

/// What a template may use up; templates are uploads of strangers.
final class Limits {
    static final int SOURCE_CHARS_MAX = 64 << 10;
    static final int STEPS_MAX = 500_000;
    static final int OUTPUT_CHARS_MAX = 4 << 20;
    static final int DEPTH_MAX = 32;
    static final int ITEMS_MAX = 100_000;

    private Limits() {}

    static TemplateException reached(String what) {
        return TemplateException.of(TemplateException.Kind.LIMIT, what);
    }

    /// Fails if a text would grow past the limit.
    static void checkLength(long chars) {
        if (chars > OUTPUT_CHARS_MAX) {
            throw reached("a text of more than %d characters".formatted(OUTPUT_CHARS_MAX));
        }
    }

    /// Fails if a list would grow past the limit.
    static void checkItems(long items) {
        if (items > ITEMS_MAX) {
            throw TemplateException.runtime("more than %d items".formatted(ITEMS_MAX));
        }
    }
}
