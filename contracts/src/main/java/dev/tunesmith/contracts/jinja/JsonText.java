package dev.tunesmith.contracts.jinja;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/// Python's `json.dumps`, as the `tojson` filter of Hugging Face calls it: no escapes for HTML.
public final class JsonText {
    private static final int DEPTH_MAX = 200;

    private final String indent;
    private final String comma;
    private final String colon;
    private final boolean ascii;
    private final boolean sorted;
    private final StringBuilder out = new StringBuilder();

    private JsonText(Arguments arguments) {
        Object width = arguments.or(1, "indent", Nothing.NONE);
        this.indent =
                width == Nothing.NONE
                        ? ""
                        : width instanceof String text
                                ? "\n" + text
                                : "\n" + " ".repeat(Math.clamp(Numbers.requireInt(width), 0, 64));
        Object separators = arguments.or(2, "separators", Nothing.NONE);
        if (separators == Nothing.NONE) {
            this.comma = indent.isEmpty() ? ", " : ",";
            this.colon = ": ";
        } else {
            List<Object> pair = Values.items(separators);
            if (pair.size() != 2) {
                throw TemplateException.runtime("separators are a pair");
            }
            this.comma = Values.requireText(pair.get(0), "separator");
            this.colon = Values.requireText(pair.get(1), "separator");
        }
        this.ascii = arguments.truth(0, "ensure_ascii", false);
        this.sorted = arguments.truth(3, "sort_keys", false);
    }

    /// Writes a value.
    ///
    /// @param arguments `ensure_ascii`, `indent`, `separators`, `sort_keys`
    public static String of(Object value, Arguments arguments) {
        var json = new JsonText(arguments);
        json.write(value, 0);
        return json.out.toString();
    }

    private void write(Object value, int depth) {
        if (depth > DEPTH_MAX) {
            throw Limits.reached("values nest too deeply");
        }
        Limits.checkLength(out.length());
        Effort.items(1);
        switch (value) {
            case Nothing _ -> out.append("null");
            case Boolean flag -> out.append(flag);
            case Long _ -> out.append(value);
            case BigInteger number -> {
                Effort.number(number.bitLength());
                out.append(number);
            }
            case Double number -> out.append(number(number));
            case String text -> text(text);
            case Map<?, ?> map -> object(map, depth);
            case Sequence sequence when sequence.kind() != Sequence.Kind.TUPLE ->
                    throw unsuitable(sequence);
            case List<?> list -> array(list, depth);
            default -> throw unsuitable(value);
        }
    }

    private static TemplateException unsuitable(Object value) {
        return TemplateException.runtime(Values.type(value) + " cannot be written as JSON");
    }

    private static String number(double value) {
        if (Double.isNaN(value)) {
            return "NaN";
        }
        if (Double.isInfinite(value)) {
            return value > 0 ? "Infinity" : "-Infinity";
        }
        return Numbers.text(value);
    }

    private void lineBreak(int depth) {
        if (!indent.isEmpty()) {
            out.append('\n').append(indent.substring(1).repeat(depth));
        }
    }

    private void array(List<?> list, int depth) {
        out.append('[');
        boolean first = true;
        for (Object item : list) {
            out.append(first ? "" : comma);
            first = false;
            lineBreak(depth + 1);
            write(item, depth + 1);
        }
        if (!first) {
            lineBreak(depth);
        }
        out.append(']');
    }

    private void object(Map<?, ?> map, int depth) {
        List<Map.Entry<?, ?>> entries = new ArrayList<>(map.entrySet());
        if (sorted) {
            entries.sort((a, b) -> Values.compare(a.getKey(), b.getKey()));
        }
        out.append('{');
        boolean first = true;
        for (Map.Entry<?, ?> entry : entries) {
            out.append(first ? "" : comma);
            first = false;
            lineBreak(depth + 1);
            text(key(entry.getKey()));
            out.append(colon);
            write(entry.getValue(), depth + 1);
        }
        if (!first) {
            lineBreak(depth);
        }
        out.append('}');
    }

    private static String key(Object key) {
        return switch (key) {
            case String text -> text;
            case Boolean flag -> flag.toString();
            case Nothing _ -> "null";
            case Double number -> number(number);
            case Long _, BigInteger _ -> key.toString();
            default -> throw unsuitable(key);
        };
    }

    private void text(String text) {
        Effort.text(text);
        out.append('"');
        for (int i = 0; i < text.length(); i++) {
            character(text.charAt(i));
        }
        out.append('"');
    }

    private void character(char c) {
        switch (c) {
            case '"' -> out.append("\\\"");
            case '\\' -> out.append("\\\\");
            case '\n' -> out.append("\\n");
            case '\r' -> out.append("\\r");
            case '\t' -> out.append("\\t");
            case '\b' -> out.append("\\b");
            case '\f' -> out.append("\\f");
            default -> {
                if (c < 0x20 || (ascii && c > 0x7e)) {
                    out.append("\\u%04x".formatted((int) c));
                } else {
                    out.append(c);
                }
            }
        }
    }
}
