package dev.tunesmith.contracts.tool;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/// Tables of texts in resource files: one entry a line, `key value`, with `\n` for a line feed.
public final class Notation {

    /// One line of a table.
    ///
    /// @param value still escaped
    public record Entry(String key, String value) {}

    /// Part of a value: plain text, or a name that stood in braces.
    ///
    /// @param text the text, or the name
    public record Part(boolean named, String text) {}

    private Notation() {}

    /// The entries of a resource beside `owner`; comments and blank lines are left out.
    public static List<Entry> entries(Class<?> owner, String resource) {
        List<Entry> entries = new ArrayList<>();
        try (var stream = owner.getResourceAsStream(resource)) {
            if (stream == null) {
                throw new IllegalStateException("resource " + resource + " is missing");
            }
            var reader = new BufferedReader(new InputStreamReader(stream, StandardCharsets.UTF_8));
            for (String line = reader.readLine(); line != null; line = reader.readLine()) {
                if (!line.isEmpty() && !line.startsWith("#")) {
                    int blank = line.indexOf(' ');
                    entries.add(
                            blank < 0
                                    ? new Entry(line, "")
                                    : new Entry(
                                            line.substring(0, blank), line.substring(blank + 1)));
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException("reading " + resource, e);
        }
        return entries;
    }

    /// A value cut into plain texts and names in braces. No plain text is empty.
    public static List<Part> parts(String value) {
        List<Part> parts = new ArrayList<>();
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < value.length(); i++) {
            char c = value.charAt(i);
            if (c == '\\') {
                text.append(unescaped(value.charAt(++i)));
            } else if (c == '{') {
                int end = value.indexOf('}', i);
                if (!text.isEmpty()) {
                    parts.add(new Part(false, text.toString()));
                    text.setLength(0);
                }
                parts.add(new Part(true, value.substring(i + 1, end)));
                i = end;
            } else {
                text.append(c);
            }
        }
        if (!text.isEmpty()) {
            parts.add(new Part(false, text.toString()));
        }
        return parts;
    }

    /// A value without names in braces.
    public static String text(String value) {
        StringBuilder text = new StringBuilder();
        parts(value).forEach(part -> text.append(part.text()));
        return text.toString();
    }

    private static char unescaped(char escaped) {
        return switch (escaped) {
            case 'n' -> '\n';
            case 't' -> '\t';
            case 's' -> ' ';
            default -> escaped;
        };
    }
}
