package dev.tunesmith.api.dataset;

/// What a client calls its file. It is shown and never used as a path or a key.
record FileName(String text) {
    static final String UNNAMED = "upload.jsonl";

    /// Keeps the last segment of a path, without characters that no display wants.
    static FileName of(String raw, int lengthMax) {
        String normal = raw.replace('\\', '/');
        String last = normal.substring(normal.lastIndexOf('/') + 1);
        var kept = new StringBuilder();
        last.codePoints()
                .filter(c ->
                        !Character.isISOControl(c) && Character.getType(c) != Character.SURROGATE)
                .limit(lengthMax)
                .forEach(kept::appendCodePoint);
        String name = kept.toString().strip();
        boolean meaningless = name.isEmpty() || name.equals(".") || name.equals("..");
        return new FileName(meaningless ? UNNAMED : name);
    }
}
