package dev.tunesmith.contracts.problem;

/// What strangers wrote, as it may stand in a message, a table and a log: whole characters only, no
/// NUL, and not longer than the place has room for.
public final class Shown {
    private static final String ELLIPSIS = "…";
    private static final char REPLACEMENT = '\uFFFD';

    private Shown() {}

    /// The text, cut to a number of characters. A half of a surrogate pair, which UTF-8 has no
    /// bytes for, and NUL, which PostgreSQL stores in no text, become U+FFFD.
    public static String of(String text, int lengthMax) {
        String kept = text.length() <= lengthMax ? text : text.substring(0, end(text, lengthMax));
        boolean clean = kept.chars().noneMatch(c -> c == 0 || Character.isSurrogate((char) c));
        String shown = clean ? kept : repaired(kept);
        return kept.length() == text.length() ? shown : shown + ELLIPSIS;
    }

    private static int end(String text, int lengthMax) {
        int end = lengthMax - ELLIPSIS.length();
        boolean inside =
                end > 0
                        && Character.isHighSurrogate(text.charAt(end - 1))
                        && Character.isLowSurrogate(text.charAt(end));
        return inside ? end - 1 : end;
    }

    private static String repaired(String text) {
        var repaired = new StringBuilder(text.length());
        text.codePoints()
                .map(c -> c == 0 || (c >= 0xD800 && c <= 0xDFFF) ? REPLACEMENT : c)
                .forEach(repaired::appendCodePoint);
        return repaired.toString();
    }
}
