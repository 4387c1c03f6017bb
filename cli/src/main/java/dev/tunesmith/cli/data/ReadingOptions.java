package dev.tunesmith.cli.data;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/// How the rows of a file are read, in the words of an entry of `x_training.data`. The server says
/// what is wrong with them.
public final class ReadingOptions {

    /// What somebody does who knows better than the server took a file for.
    static final String OVERRIDE = "override with --kind, --format, --columns, --tags";

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

    /// Whether everything is recognised.
    public boolean isEmpty() {
        return kind == null && format == null && !ranking && columns.isEmpty() && tags.isEmpty();
    }

    void addTo(ObjectNode wish) {
        ObjectNode reading = wish.objectNode();
        DataTaskRun.put(reading, "kind", kind);
        DataTaskRun.put(reading, "format", format);
        if (ranking) {
            reading.put("ranking", true);
        }
        put(reading, "columns", columns);
        put(reading, "tags", tags);
        if (!reading.isEmpty()) {
            wish.set("reading", reading);
        }
    }

    private static void put(ObjectNode reading, String key, Map<String, String> names) {
        if (!names.isEmpty()) {
            ObjectNode tree = reading.putObject(key);
            names.forEach(tree::put);
        }
    }
}
