package dev.tunesmith.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.Console;
import java.io.PrintStream;
import java.nio.file.Path;
import java.time.Instant;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;
import picocli.CommandLine.ScopeType;

/// How a command shows its result: a table for people, the API's own object for programs. The
/// options stand before the verb of a command or behind it.
public final class Output {
    private static final DateTimeFormatter LOCAL =
            DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm:ss").withZone(ZoneId.systemDefault());

    @Option(
            names = "--json",
            scope = ScopeType.INHERIT,
            description = "print the API's JSON and nothing else")
    private boolean json;

    @Option(names = "--quiet", scope = ScopeType.INHERIT, description = "no progress on stderr")
    private boolean quiet;

    private final PrintStream out = System.out;

    /// Whether a terminal shows it, with colours and with lines that are written again. Without one
    /// the console is null, also on current JDKs when standard input is a pipe.
    @SuppressWarnings("SystemConsoleNull")
    public static boolean hasColours() {
        Console console = System.console();
        return hasColours(System.getenv(), console != null && console.isTerminal());
    }

    /// Only a terminal has colours, and only for who did not decline them (no-color.org).
    static boolean hasColours(Map<String, String> environment, boolean terminal) {
        return terminal && environment.getOrDefault("NO_COLOR", "").isEmpty();
    }

    /// Whether a program reads it.
    public boolean isJson() {
        return json;
    }

    public boolean isQuiet() {
        return quiet;
    }

    /// Prints the object as it came, or the line for people.
    public void object(JsonNode object, String line) {
        out.println(json ? object.toString() : line);
    }

    /// Prints rows under headings; as JSON the list object unchanged.
    public void table(JsonNode list, List<String> headings, List<List<String>> rows) {
        if (json) {
            out.println(list);
            return;
        }
        var all = new ArrayList<List<String>>();
        all.add(headings);
        all.addAll(rows);
        lines(all).forEach(out::println);
    }

    /// Rows of equal length as lines whose columns stand below one another.
    public static List<String> lines(List<List<String>> rows) {
        return rows.stream().map(row -> line(row, widths(rows))).toList();
    }

    /// Prints the lines at a path of the API, or writes them into a file where one is named.
    void lines(Api api, String path, @Nullable Path file) {
        if (file != null) {
            api.download(path, file);
            return;
        }
        try (Stream<String> lines = api.lines(api.request(path))) {
            lines.forEach(out::println);
        }
    }

    /// Prints a line for people.
    public void text(String line) {
        out.println(line);
    }

    /// A time of the wire in the zone of this machine.
    public static String time(JsonNode unixSeconds) {
        return unixSeconds.isNumber()
                ? LOCAL.format(Instant.ofEpochSecond(unixSeconds.asLong()))
                : "-";
    }

    private static int[] widths(List<List<String>> rows) {
        int[] widths = new int[rows.getFirst().size()];
        for (List<String> row : rows) {
            for (int i = 0; i < widths.length; i++) {
                widths[i] = Math.max(widths[i], row.get(i).length());
            }
        }
        return widths;
    }

    private static String line(List<String> row, int[] widths) {
        var text = new StringBuilder();
        for (int i = 0; i < widths.length; i++) {
            boolean last = i == widths.length - 1;
            text.append(last ? row.get(i) : ("%-" + (widths[i] + 2) + "s").formatted(row.get(i)));
        }
        return text.toString();
    }
}
