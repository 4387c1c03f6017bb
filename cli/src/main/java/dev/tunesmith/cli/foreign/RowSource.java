package dev.tunesmith.cli.foreign;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/// Where the rows of a translated file are: entries as a `dataset_info.json` has them.
///
/// @param training names of the sets that are trained on, joined in this order
/// @param validation names of the sets that are validated on
/// @param entries what is known of a set by its name; empty if a `dataset_info.json` has to be read
/// @param folder where that file and the rows are, relative to the translated one
/// @param rowsMax most rows of a set
public record RowSource(
        List<String> training,
        List<String> validation,
        Map<String, Object> entries,
        String folder,
        Optional<Integer> rowsMax) {

    /// Layouts of axolotl's `type` by its last part, as columns of a `dataset_info.json`.
    private static final Map<String, Map<String, String>> AXOLOTL_COLUMNS =
            Map.ofEntries(
                    Map.entry("alpaca", Map.of()),
                    Map.entry(
                            "alpaca_chat",
                            Map.of(
                                    "prompt",
                                    "instruction",
                                    "query",
                                    "input",
                                    "response",
                                    "output")),
                    Map.entry("completion", Map.of("prompt", "text")),
                    Map.entry("pretrain", Map.of("prompt", "text")),
                    Map.entry("qa", Map.of("prompt", "question", "response", "answer")),
                    Map.entry("intel", pair("system", "question", "chosen", "rejected")),
                    Map.entry("prompt_pairs", pair("system", "prompt", "chosen", "rejected")),
                    Map.entry("icr", pair("system", "input", "chosen", "rejected")),
                    Map.entry(
                            "argilla",
                            pair("system", "instruction", "chosen_response", "rejected_response")));

    private static final Map<String, String> KTO_COLUMNS =
            Map.of("prompt", "prompt", "response", "completion", "kto_tag", "label");

    public RowSource {
        training = List.copyOf(training);
        validation = List.copyOf(validation);
        entries = java.util.Collections.unmodifiableMap(new LinkedHashMap<>(entries));
    }

    private static Map<String, String> pair(
            String system, String prompt, String chosen, String rejected) {
        return Map.of("system", system, "prompt", prompt, "chosen", chosen, "rejected", rejected);
    }

    /// Finds it in the options that say where rows are.
    public static RowSource of(ForeignTrainer trainer, Translation translation) {
        Map<String, Object> rows = translation.rows();
        return switch (trainer) {
            case LLAMAFACTORY -> llamaFactory(rows);
            case TORCHTUNE -> torchtune(rows);
            case AXOLOTL -> axolotl(rows, translation.body().toString().contains("type=kto"));
        };
    }

    private static RowSource llamaFactory(Map<String, Object> rows) {
        Object max = rows.get("max_samples");
        return new RowSource(
                names(rows, "dataset"),
                names(rows, "eval_dataset"),
                Map.of(),
                rows.getOrDefault("dataset_dir", "data").toString(),
                max instanceof Number number && number.intValue() > 0
                        ? Optional.of(number.intValue())
                        : Optional.empty());
    }

    private static List<String> names(Map<String, Object> rows, String key) {
        Object value = rows.get(key);
        return value == null ? List.of() : new Leaf(value).list();
    }

    private static RowSource torchtune(Map<String, Object> rows) {
        var entries = new LinkedHashMap<String, Object>();
        List<String> training = torchtuneSets(rows, "dataset");
        List<String> validation = torchtuneSets(rows, "dataset_val");
        for (String set : Stream.concat(training.stream(), validation.stream()).toList()) {
            entries.put(set, torchtuneEntry(rows, set + "."));
        }
        return new RowSource(training, validation, entries, "", Optional.empty());
    }

    /// The sets of a key: itself, or its parts where it holds a list.
    private static List<String> torchtuneSets(Map<String, Object> rows, String key) {
        Pattern part =
                Pattern.compile("(%s(?:\\.[0-9]+)?)\\.(?:_component_|source)".formatted(key));
        return rows.keySet().stream()
                .flatMap(name -> part.matcher(name).results())
                .map(found -> found.group(1))
                .distinct()
                .toList();
    }

    private static Map<String, Object> torchtuneEntry(Map<String, Object> rows, String prefix) {
        String component = rows.getOrDefault(prefix + "_component_", "").toString();
        String source = rows.getOrDefault(prefix + "source", component).toString();
        boolean local = List.of("json", "csv", "text").contains(source);
        var entry = new LinkedHashMap<String, Object>();
        entry.put(
                local ? "file_name" : "hf_hub_url",
                local ? new Leaf(rows.getOrDefault(prefix + "data_files", "")).text() : source);
        String column = rows.getOrDefault(prefix + "conversation_column", "messages").toString();
        Object style = rows.get(prefix + "conversation_style");
        if (component.endsWith("chat_dataset")) {
            entry.put("formatting", "sharegpt".equals(style) ? "sharegpt" : "openai");
            entry.put("columns", Map.of("messages", column));
        } else if (component.endsWith("text_completion_dataset")) {
            entry.put(
                    "columns",
                    Map.of("prompt", rows.getOrDefault(prefix + "column", "text").toString()));
        } else if (component.endsWith("instruct_dataset")) {
            entry.put(
                    "columns",
                    Map.of(
                            "prompt",
                            rows.getOrDefault(prefix + "column_map.input", "input").toString(),
                            "response",
                            rows.getOrDefault(prefix + "column_map.output", "output").toString()));
        } else if (component.endsWith("paired_dataset")
                || component.endsWith("preference_dataset")) {
            entry.put("ranking", true);
            entry.put(
                    "columns",
                    Map.of(
                            "prompt",
                            rows.getOrDefault(prefix + "column_map.prompt", "prompt").toString(),
                            "chosen",
                            rows.getOrDefault(prefix + "column_map.chosen", "chosen").toString(),
                            "rejected",
                            rows.getOrDefault(prefix + "column_map.rejected", "rejected")
                                    .toString()));
        }
        return entry;
    }

    private static RowSource axolotl(Map<String, Object> rows, boolean judged) {
        var sets = new TreeMap<String, Map<String, Object>>();
        rows.forEach((key, value) -> {
            String[] names = key.split("\\.", 3);
            boolean listed = names.length == 3 && names[1].matches("[0-9]+");
            String set = listed ? names[0] + "." + names[1] : names[0] + ".0";
            sets.computeIfAbsent(set, _ -> new LinkedHashMap<>())
                    .put(listed ? names[2] : names.length == 1 ? "path" : names[1], value);
        });
        var entries = new LinkedHashMap<String, Object>();
        sets.forEach((name, set) ->
                entries.put(name, axolotlEntry(set, name.startsWith("pretraining"), judged)));
        return new RowSource(
                entries.keySet().stream().filter(name -> !name.startsWith("test_")).toList(),
                entries.keySet().stream().filter(name -> name.startsWith("test_")).toList(),
                entries,
                "",
                Optional.empty());
    }

    private static Map<String, Object> axolotlEntry(
            Map<String, Object> set, boolean pretraining, boolean judged) {
        var entry = new LinkedHashMap<String, Object>();
        String path = set.getOrDefault("path", "").toString();
        boolean local =
                set.containsKey("ds_type") || path.matches(".*\\.(jsonl?|parquet|csv|arrow|txt)");
        Object file = set.getOrDefault("data_files", path);
        entry.put(local ? "file_name" : "hf_hub_url", local ? new Leaf(file).text() : path);
        String type = set.getOrDefault("type", pretraining ? "pretrain" : "alpaca").toString();
        String last = type.substring(type.lastIndexOf('.') + 1);
        if (type.startsWith("sharegpt") || type.startsWith("chat_template")) {
            chat(entry, set, type.startsWith("sharegpt"), type.contains("."));
        } else if (judged) {
            entry.put("columns", KTO_COLUMNS);
        } else {
            Map<String, String> columns = AXOLOTL_COLUMNS.getOrDefault(last, Map.of());
            if (columns.containsKey("chosen")) {
                entry.put("ranking", true);
            }
            if (set.containsKey("field")) {
                columns = Map.of("prompt", set.get("field").toString());
            }
            if (set.containsKey("text_column")) {
                columns = Map.of("prompt", set.get("text_column").toString());
            }
            if (!columns.isEmpty()) {
                entry.put("columns", columns);
            }
        }
        return entry;
    }

    private static void chat(
            Map<String, Object> entry, Map<String, Object> set, boolean sharegpt, boolean pairs) {
        entry.put("formatting", "sharegpt");
        var columns = new LinkedHashMap<String, Object>();
        columns.put(
                "messages",
                set.getOrDefault("field_messages", sharegpt ? "conversations" : "messages"));
        if (pairs && !sharegpt) {
            entry.put("ranking", true);
            columns.put("chosen", set.getOrDefault("field_chosen", "chosen"));
            columns.put("rejected", set.getOrDefault("field_rejected", "rejected"));
        }
        entry.put("columns", columns);
        var tags = new LinkedHashMap<String, Object>();
        tags.put("role_tag", property(set, "role", sharegpt ? "from" : "role"));
        tags.put("content_tag", property(set, "content", sharegpt ? "value" : "content"));
        tags.put("user_tag", sharegpt ? "human" : "user");
        tags.put("assistant_tag", sharegpt ? "gpt" : "assistant");
        tags.put("system_tag", "system");
        entry.put("tags", tags);
    }

    private static Object property(Map<String, Object> set, String name, String usual) {
        Object old = set.getOrDefault("message_field_" + name, usual);
        return set.getOrDefault("message_property_mappings." + name, old);
    }
}
