package dev.tunesmith.cli.data;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tunesmith.cli.Api;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/// How the rows of a file are read, in the words of an entry of `x_training.data`. Who reads the
/// rows, the server or `data check` on this machine, says what is wrong with them.
public final class ReadingOptions {

    /// What somebody does who knows better than the server took a file for.
    public static final String OVERRIDE = "override with --kind, --format, --columns, --tags";

    @Option(names = "--kind", description = "json_lines, json, csv, tsv, text, parquet, arrow")
    private @Nullable String kind;

    @Option(
            names = "--format",
            description = "openai, alpaca, sharegpt, chatml, completion, preference, judged, text")
    private @Nullable String format;

    @Option(names = "--ranking", description = "a row holds a better and a worse answer")
    private boolean ranking;

    @Option(
            names = "--columns",
            split = ",",
            paramLabel = "ROLE=KEY",
            description = "what columns mean, like prompt=question,response=reply")
    private Map<String, String> columns = Map.of();

    @Option(
            names = "--tags",
            split = ",",
            paramLabel = "ROLE=NAME",
            description = "names in turns, like role_tag=who,user_tag=person")
    private Map<String, String> tags = Map.of();

    @Option(
            names = "--chunk",
            description = "what is one document of a text: line, paragraph, file")
    private @Nullable String chunk;

    /// Whether everything is recognised.
    public boolean isEmpty() {
        return words().isEmpty();
    }

    /// What was given, by its key.
    public Map<String, Object> words() {
        Map<String, Object> words = new LinkedHashMap<>();
        put(words, "kind", kind);
        put(words, "format", format);
        if (ranking) {
            words.put("ranking", true);
        }
        put(words, "columns", columns.isEmpty() ? null : columns);
        put(words, "tags", tags.isEmpty() ? null : tags);
        put(words, "chunk", chunk);
        return words;
    }

    void addTo(ObjectNode wish) {
        if (!isEmpty()) {
            wish.set("reading", Api.JSON.valueToTree(words()));
        }
    }

    private static void put(Map<String, Object> words, String key, @Nullable Object value) {
        if (value != null) {
            words.put(key, value);
        }
    }
}
