package dev.tunesmith.api.dataset;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.net.URLDecoder;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/// A header value with parameters: `form-data; name="file"; filename="a.jsonl"`.
record HeaderValue(Map<String, String> parameters) {
    HeaderValue {
        parameters = Map.copyOf(parameters);
    }

    /// Reads parameters leniently; quoted values may escape with a backslash, and an extended value
    /// (`filename*=UTF-8''…`, RFC 8187) wins over its plain twin.
    static HeaderValue parse(String text) {
        var parameters = new LinkedHashMap<String, String>();
        int at = text.indexOf(';');
        while (at >= 0 && at < text.length()) {
            int equals = text.indexOf('=', at);
            if (equals < 0) {
                break;
            }
            String key = text.substring(at + 1, equals).strip().toLowerCase(Locale.ROOT);
            var value = new StringBuilder();
            at = value(text, equals + 1, value);
            parameters.put(key, value.toString());
        }
        return new HeaderValue(parameters);
    }

    Optional<String> parameter(String name) {
        return Optional.ofNullable(parameters.get(name + "*"))
                .flatMap(HeaderValue::extended)
                .or(() -> Optional.ofNullable(parameters.get(name)));
    }

    /// Collects one value and returns where the next `;` is.
    private static int value(String text, int from, StringBuilder value) {
        int at = from;
        while (at < text.length() && text.charAt(at) == ' ') {
            at++;
        }
        boolean quoted = at < text.length() && text.charAt(at) == '"';
        if (quoted) {
            at++;
        }
        for (; at < text.length(); at++) {
            char c = text.charAt(at);
            if (quoted && c == '"') {
                break;
            }
            if (!quoted && c == ';') {
                return at;
            }
            if (quoted && c == '\\' && at + 1 < text.length() && isEscapable(text.charAt(at + 1))) {
                at++;
                c = text.charAt(at);
            }
            value.append(c);
        }
        return text.indexOf(';', at);
    }

    /// A backslash before anything else is part of a Windows path, not an escape.
    private static boolean isEscapable(char c) {
        return c == '"' || c == '\\';
    }

    private static Optional<String> extended(String raw) {
        int text = raw.lastIndexOf('\'');
        if (text < 0 || !raw.toLowerCase(Locale.ROOT).startsWith("utf-8'")) {
            return Optional.empty();
        }
        try {
            return Optional.of(
                    URLDecoder.decode(raw.substring(text + 1).replace("+", "%2B"), UTF_8));
        } catch (IllegalArgumentException _) {
            return Optional.empty();
        }
    }
}
