package dev.tunesmith.contracts.dataset;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// One dataset of a `dataset_info.json`.
///
/// @param source where its rows are
/// @param ranking whether a row holds a better and a worse answer
/// @param columns key in the row by role of the column; a role without an entry is not read
/// @param tags names of roles and keys of turns
/// @param numSamples how many rows are drawn, all of them if empty
public record DatasetEntry(
        Source source,
        Layout layout,
        boolean ranking,
        Map<String, String> columns,
        Map<String, String> tags,
        Part part,
        Optional<Integer> numSamples) {

    /// Columns as they are called where an entry names none.
    public static final Map<String, String> COLUMNS =
            Map.of(
                    "prompt", "instruction",
                    "query", "input",
                    "response", "output",
                    "messages", "conversations");

    /// Tags as they are called where an entry names none.
    public static final Map<String, String> TAGS =
            Map.of(
                    "role_tag", "from",
                    "content_tag", "value",
                    "user_tag", "human",
                    "assistant_tag", "gpt",
                    "observation_tag", "observation",
                    "function_tag", "function_call",
                    "system_tag", "system");

    /// All roles of columns.
    public static final List<String> COLUMN_ROLES =
            List.of(
                    "prompt",
                    "query",
                    "response",
                    "history",
                    "messages",
                    "system",
                    "tools",
                    "images",
                    "videos",
                    "audios",
                    "chosen",
                    "rejected",
                    "kto_tag");

    /// Names of a chat as OpenAI has them.
    private static final Map<String, String> OPENAI_TAGS =
            Map.of(
                    "role_tag", "role",
                    "content_tag", "content",
                    "user_tag", "user",
                    "assistant_tag", "assistant",
                    "observation_tag", "tool",
                    "function_tag", "function",
                    "system_tag", "system");

    /// Kinds of places that rows come from.
    public enum Place {
        FILE,
        HUB,
        CLOUD,
        SCRIPT
    }

    /// A place and the name there.
    public record Source(Place place, String name) {}

    /// Which part of what lies there is meant.
    public record Part(Optional<String> subset, String split, Optional<String> folder) {
        /// All of it.
        public static final Part WHOLE = new Part(Optional.empty(), "train", Optional.empty());
    }

    public DatasetEntry {
        columns = Map.copyOf(columns);
        tags = Map.copyOf(tags);
    }

    /// A file in a layout with the usual names.
    public static DatasetEntry usual(String file, Layout layout, boolean ranking) {
        Map<String, String> columns = new LinkedHashMap<>(COLUMNS);
        for (String role : COLUMN_ROLES) {
            columns.putIfAbsent(role, role);
        }
        if (layout == Layout.OPENAI) {
            columns.put("messages", "messages");
        }
        return new DatasetEntry(
                new Source(Place.FILE, file),
                layout,
                ranking,
                columns,
                layout == Layout.OPENAI ? OPENAI_TAGS : TAGS,
                Part.WHOLE,
                Optional.empty());
    }

    Optional<String> column(String role) {
        return Optional.ofNullable(columns.get(role));
    }

    /// The name of a tag; a name that no data has if it is not used.
    String tag(String role) {
        return tags.getOrDefault(role, "\uFFFF");
    }
}
