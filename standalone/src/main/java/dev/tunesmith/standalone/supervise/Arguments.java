package dev.tunesmith.standalone.supervise;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/// What stands behind `up`, `down`, `status` and `quickstart` on the command line.
///
/// @param data the data folder
/// @param port wished port of the API, 0 for any
/// @param keep `quickstart` leaves the stack running
/// @param foreground `up` stays and shows what happens
/// @param json answers as one JSON line
public record Arguments(Path data, int port, boolean keep, boolean foreground, boolean json) {
    /// The port that documents mention; another one is taken when it is in use.
    static final int DEFAULT_PORT = 8080;

    /// Parses the words after the command.
    ///
    /// @throws IllegalArgumentException naming every word that is not understood
    public static Arguments parse(List<String> words) {
        Path data = Path.of(System.getProperty("user.home"), ".tunesmith");
        int port = DEFAULT_PORT;
        boolean keep = false;
        boolean foreground = false;
        boolean json = false;
        var unknown = new ArrayList<String>();
        for (int i = 0; i < words.size(); i++) {
            String word = words.get(i);
            boolean hasNext = i + 1 < words.size();
            switch (word) {
                case "--keep" -> keep = true;
                case "--foreground" -> foreground = true;
                case "--json" -> json = true;
                case "--data" -> {
                    if (hasNext) {
                        data = Path.of(words.get(++i));
                    } else {
                        unknown.add("--data needs a folder");
                    }
                }
                case "--port" -> {
                    if (hasNext && words.get(i + 1).matches("[0-9]{1,5}")) {
                        port = Integer.parseInt(words.get(++i));
                    } else {
                        unknown.add("--port needs a number from 0 to 65535");
                    }
                }
                default -> unknown.add("unknown option " + word);
            }
        }
        if (port > 65535) {
            unknown.add("--port needs a number from 0 to 65535");
        }
        if (!unknown.isEmpty()) {
            throw new IllegalArgumentException(String.join("; ", unknown));
        }
        return new Arguments(data, port, keep, foreground, json);
    }
}
