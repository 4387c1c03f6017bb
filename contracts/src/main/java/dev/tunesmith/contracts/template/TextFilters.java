package dev.tunesmith.contracts.template;

import dev.tunesmith.contracts.jinja.Arguments;
import dev.tunesmith.contracts.jinja.Callable;
import dev.tunesmith.contracts.jinja.Effort;
import dev.tunesmith.contracts.jinja.Formats;
import dev.tunesmith.contracts.jinja.Limits;
import dev.tunesmith.contracts.jinja.Members;
import dev.tunesmith.contracts.jinja.Nothing;
import dev.tunesmith.contracts.jinja.Numbers;
import dev.tunesmith.contracts.jinja.TemplateException;
import dev.tunesmith.contracts.jinja.TextMethods;
import dev.tunesmith.contracts.jinja.Values;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.StringJoiner;
import java.util.function.BiFunction;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Filters that give a text.
final class TextFilters {
    static final Map<String, BiFunction<Object, Arguments, Object>> ALL = table();

    private static final Pattern WORD = Pattern.compile("\\w+", Pattern.UNICODE_CHARACTER_CLASS);
    private static final Pattern WORD_START =
            Pattern.compile("[-\\s({\\[<]+", Pattern.UNICODE_CHARACTER_CLASS);
    private static final Pattern SPACES = Pattern.compile("\\s+");
    private static final int LEEWAY = 5;

    private TextFilters() {}

    private static Map<String, BiFunction<Object, Arguments, Object>> table() {
        var all = new LinkedHashMap<String, BiFunction<Object, Arguments, Object>>();
        all.put("string", (v, _) -> Values.text(v));
        all.put("safe", (v, _) -> Values.text(v));
        all.put("trim", TextFilters::trim);
        all.put("lower", (v, _) -> Values.text(v).toLowerCase(Locale.ROOT));
        all.put("upper", (v, _) -> Values.text(v).toUpperCase(Locale.ROOT));
        all.put("capitalize", (v, _) -> TextMethods.capitalize(Values.text(v)));
        all.put("title", (v, _) -> title(Values.text(v)));
        all.put("replace", TextFilters::replace);
        all.put("indent", TextFilters::indent);
        all.put("center", TextFilters::center);
        all.put("truncate", TextFilters::truncate);
        all.put("wordcount", (v, _) -> words(Values.text(v)));
        all.put("format", (v, a) -> Formats.percent(Values.text(v), a));
        all.put("escape", (v, _) -> escape(Values.text(v)));
        all.put("e", (v, _) -> escape(Values.text(v)));
        all.put("forceescape", (v, _) -> escape(Values.text(v)));
        all.put("striptags", (v, _) -> stripTags(Values.text(v)));
        all.put("urlencode", (v, _) -> urlEncode(v));
        all.put("wordwrap", WrappedText::wrap);
        return all;
    }

    private static long words(String text) {
        Effort.slowText(text);
        return WORD.matcher(text).results().count();
    }

    private static Object trim(Object value, Arguments arguments) {
        Object chars = arguments.or(0, "chars", Nothing.NONE);
        return TextMethods.strip(
                Values.text(value),
                chars == Nothing.NONE ? null : Values.requireText(chars, "trim"),
                true,
                true);
    }

    private static Object replace(Object value, Arguments arguments) {
        return TextMethods.replace(
                Values.text(value),
                Values.text(arguments.require(0, "old")),
                Values.text(arguments.require(1, "new")),
                arguments.integer(2, "count", -1));
    }

    private static String title(String text) {
        var out = new StringBuilder();
        Matcher gap = WORD_START.matcher(text);
        int at = 0;
        while (gap.find()) {
            out.append(word(text.substring(at, gap.start()))).append(gap.group());
            at = gap.end();
        }
        return out.append(word(text.substring(at))).toString();
    }

    private static String word(String word) {
        if (word.isEmpty()) {
            return word;
        }
        int first = word.offsetByCodePoints(0, 1);
        return word.substring(0, first).toUpperCase(Locale.ROOT)
                + word.substring(first).toLowerCase(Locale.ROOT);
    }

    private static Object indent(Object value, Arguments arguments) {
        String text = Values.requireText(value, "indent");
        Object width = arguments.or(0, "width", 4L);
        String gap =
                width instanceof String given
                        ? given
                        : " ".repeat(Math.clamp(Numbers.requireInt(width), 0, 10_000));
        boolean first = arguments.truth(1, "first", false);
        boolean blank = arguments.truth(2, "blank", false);
        List<Object> lines = new ArrayList<>(Values.items(lines(text + "\n")));
        var out = new StringBuilder(first ? gap : "");
        out.append(lines.getFirst());
        for (Object line : lines.subList(1, lines.size())) {
            out.append('\n');
            if (blank || !line.equals("")) {
                out.append(gap);
            }
            out.append(line);
            Limits.checkLength(out.length());
        }
        return out.toString();
    }

    static Object lines(String text) {
        Callable split = TextMethods.find(text, "splitlines");
        return split == null ? List.of() : split.call(Arguments.NONE);
    }

    private static Object center(Object value, Arguments arguments) {
        long width = arguments.integer(0, "width", 80);
        Callable method = TextMethods.find(Values.text(value), "center");
        return method == null ? value : method.call(Arguments.of(width));
    }

    private static Object truncate(Object value, Arguments arguments) {
        int length = arguments.integer(0, "length", 255);
        boolean kill = arguments.truth(1, "killwords", false);
        String end = arguments.text(2, "end", "...");
        int leeway = arguments.integer(3, "leeway", LEEWAY);
        if (length < end.length() || leeway < 0) {
            throw TemplateException.runtime("length must be at least that of the end mark");
        }
        if (Values.length(value) <= (long) length + leeway) {
            return value;
        }
        String text = Values.requireText(value, "truncate");
        String head = text.substring(0, text.offsetByCodePoints(0, length - end.length()));
        int blank = head.lastIndexOf(' ');
        return (kill || blank < 0 ? head : head.substring(0, blank)) + end;
    }

    private static String escape(String text) {
        return text.replace("&", "&amp;")
                .replace("<", "&lt;")
                .replace(">", "&gt;")
                .replace("'", "&#39;")
                .replace("\"", "&#34;");
    }

    /// As `<!--.*?-->|<[^>]*>` would, but a sign that opens nothing costs no search of its own.
    private static String stripTags(String text) {
        Effort.slowText(text);
        var bare = new StringBuilder();
        int lastEnd = text.lastIndexOf('>');
        int lastComment = text.lastIndexOf("-->");
        int at = 0;
        int open = text.indexOf('<');
        while (open >= 0 && open < lastEnd) {
            boolean comment = text.startsWith("<!--", open) && lastComment >= open + 4;
            int end = comment ? text.indexOf("-->", open + 4) + 3 : text.indexOf('>', open) + 1;
            bare.append(text, at, open);
            at = end;
            open = text.indexOf('<', at);
        }
        bare.append(text, at, text.length());
        return TextMethods.strip(SPACES.matcher(bare).replaceAll(" "), null, true, true);
    }

    private static String urlEncode(Object value) {
        List<?> pairs;
        if (value instanceof Map<?, ?> map) {
            pairs = Members.items(map);
        } else if (value instanceof List<?> list) {
            pairs = list;
        } else {
            return urlEncode(Values.text(value));
        }
        var query = new StringJoiner("&");
        for (Object pair : pairs) {
            List<Object> parts = Values.items(pair);
            if (parts.size() != 2) {
                throw TemplateException.runtime("urlencode needs pairs");
            }
            query.add(queryPart(parts.getFirst()) + "=" + queryPart(parts.getLast()));
        }
        return query.toString();
    }

    private static String queryPart(Object value) {
        return urlEncode(Values.text(value)).replace("/", "%2F").replace("%20", "+");
    }

    private static String urlEncode(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8)
                .replace("+", "%20")
                .replace("%2F", "/")
                .replace("*", "%2A")
                .replace("%7E", "~");
    }
}
