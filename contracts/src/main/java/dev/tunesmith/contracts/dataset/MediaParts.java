package dev.tunesmith.contracts.dataset;

import dev.tunesmith.contracts.tool.JsonReader;
import dev.tunesmith.contracts.tool.MalformedCallException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// Puts the pictures of a column where the texts have a place for each: as parts of contents, as
/// OpenAI's rows have them.
///
/// A place is `<image>` in a text, or TRL's `{"type": "image"}` among the parts of a content.
final class MediaParts {

    private static final String PLACE = "<image>";
    private static final List<String> COLUMNS = List.of("images", "videos", "audios");
    private static final List<String> TURNS =
            List.of("messages", "prompt", "chosen", "rejected", "completion");

    private final Deque<Object> pictures;
    private final boolean inTexts;
    private int places;

    private MediaParts(List<?> pictures, boolean inTexts) {
        this.pictures = new ArrayDeque<>(pictures);
        this.inTexts = inTexts;
    }

    /// Why media cannot be trained.
    static final class UnreadableMediaException extends RuntimeException {
        private static final long serialVersionUID = 1;

        UnreadableMediaException(String message) {
            super(message);
        }
    }

    /// What the columns of a row hold beside its texts.
    static Map<String, List<Object>> columns(Map<String, ?> row) {
        Map<String, List<Object>> media = new LinkedHashMap<>();
        for (String column : COLUMNS) {
            List<Object> files = files(row.get(column));
            if (!files.isEmpty()) {
                media.put(column, files);
            }
        }
        return media;
    }

    private static List<Object> files(@Nullable Object value) {
        List<Object> files = new ArrayList<>();
        if (value instanceof String text && text.startsWith("[")) {
            try {
                return JsonReader.read(text) instanceof List<?> list ? files(list) : List.of(text);
            } catch (MalformedCallException _) {
                return List.of(text);
            }
        }
        List<?> list = value instanceof List<?> many ? many : List.of();
        list.stream().filter(file -> file != null).forEach(files::add);
        if (!(value instanceof List) && value != null && !value.equals("")) {
            files.add(value);
        }
        return files;
    }

    /// A row of messages with the pictures in it.
    ///
    /// @throws UnreadableMediaException if something of the media would not be trained
    static Map<String, Object> placed(Map<String, Object> row, Map<String, List<Object>> media) {
        boolean marked = TURNS.stream().anyMatch(key -> hasBareParts(row.get(key)));
        boolean turns = TURNS.stream().anyMatch(row::containsKey);
        if ((media.isEmpty() && !marked) || !turns) {
            return row;
        }
        if (media.containsKey("videos")) {
            throw new UnreadableMediaException(
                    "videos cannot be trained; take single pictures out of them, as images");
        }
        if (media.containsKey("audios")) {
            throw new UnreadableMediaException(
                    "sounds cannot be trained; write what they say as text");
        }
        List<Object> pictures = media.getOrDefault("images", List.of());
        MediaParts parts = new MediaParts(pictures, !marked);
        Map<String, Object> placed = new LinkedHashMap<>(row);
        COLUMNS.forEach(placed::remove);
        for (String key : TURNS) {
            if (row.get(key) instanceof List<?> messages) {
                placed.put(key, messages.stream().map(parts::message).toList());
            }
        }
        if (parts.places != pictures.size()) {
            throw new UnreadableMediaException(
                    "pictures: %d, places for them in the messages: %d; write %s where each stands"
                            .formatted(pictures.size(), parts.places, PLACE));
        }
        return placed;
    }

    private static boolean hasBareParts(@Nullable Object messages) {
        if (!(messages instanceof List<?> list)) {
            return false;
        }
        for (Object message : list) {
            if (message instanceof Map<?, ?> map
                    && map.get("content") instanceof List<?> parts
                    && parts.stream().anyMatch(MediaParts::isImage)) {
                return true;
            }
        }
        return false;
    }

    private static boolean isImage(@Nullable Object part) {
        return part instanceof Map<?, ?> map && "image".equals(map.get("type"));
    }

    private Object message(@Nullable Object message) {
        if (!(message instanceof Map<?, ?> map)) {
            return message == null ? Map.of() : message;
        }
        List<Object> parts = new ArrayList<>();
        if (map.get("content") instanceof List<?> given) {
            given.forEach(part -> add(parts, part));
        } else if (inTexts && map.get("content") instanceof String text && text.contains(PLACE)) {
            split(parts, text);
        } else {
            return message;
        }
        Map<Object, @Nullable Object> copy = new LinkedHashMap<>(map);
        copy.put("content", parts);
        return copy;
    }

    private void add(List<Object> parts, @Nullable Object part) {
        if (isImage(part) && part instanceof Map<?, ?> map) {
            Object own = map.get("image") == null ? map.get("url") : map.get("image");
            parts.add(own == null ? next() : part(own));
        } else if (inTexts
                && part instanceof Map<?, ?> map
                && map.get("text") instanceof String text
                && text.contains(PLACE)) {
            split(parts, text);
        } else if (part != null) {
            parts.add(part);
        }
    }

    private void split(List<Object> parts, String text) {
        int from = 0;
        for (int at = text.indexOf(PLACE); at >= 0; at = text.indexOf(PLACE, from)) {
            text(parts, text.substring(from, at));
            parts.add(next());
            from = at + PLACE.length();
        }
        text(parts, text.substring(from));
    }

    private static void text(List<Object> parts, String text) {
        if (!text.isEmpty()) {
            parts.add(Map.of("type", "text", "text", text));
        }
    }

    private Object next() {
        places++;
        return pictures.isEmpty() ? Map.of("type", "image") : part(pictures.removeFirst());
    }

    private static Object part(Object picture) {
        return Map.of("type", "image_url", "image_url", Map.of("url", address(picture)));
    }

    /// A picture as an address that holds it; tables have its bytes in Base64.
    private static String address(Object picture) {
        Object given = picture;
        if (given instanceof Map<?, ?> map) {
            Object named = map.get("url") == null ? map.get("path") : map.get("url");
            given = map.get("bytes") == null ? named : map.get("bytes");
        }
        String text = String.valueOf(given);
        if (text.startsWith("data:image/")) {
            return text;
        }
        if (text.startsWith("iVBORw0KGgo")) {
            return "data:image/png;base64," + text;
        }
        if (text.startsWith("/9j/")) {
            return "data:image/jpeg;base64," + text;
        }
        throw new UnreadableMediaException(
                "the picture \"%s\" cannot be read here; put the picture itself into the row, as"
                                .formatted(text.length() > 80 ? text.substring(0, 80) + "…" : text)
                        + " data:image/png;base64,… or data:image/jpeg;base64,…");
    }
}
