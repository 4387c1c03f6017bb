package dev.tunesmith.standalone;

import dev.tunesmith.standalone.supervise.Arguments;
import dev.tunesmith.standalone.supervise.Commands;
import java.util.List;

/// `up`, `down`, `status` and `quickstart` of the launcher.
public final class Main {
    private static final int USAGE = 2;

    private Main() {}

    public static void main(String[] words) throws InterruptedException {
        List<String> rest = List.of(words).subList(Math.min(1, words.length), words.length);
        Commands commands;
        try {
            commands = new Commands(Arguments.parse(rest), System.out);
        } catch (IllegalArgumentException e) {
            System.err.println(
                    "tunesmith: %s (./tunesmith help %s shows what there is)"
                            .formatted(e.getMessage(), words[0]));
            System.exit(USAGE);
            return;
        }
        int code =
                switch (words.length == 0 ? "" : words[0]) {
                    case "up" -> commands.up();
                    case "down" -> commands.down();
                    case "status" -> commands.status();
                    case "quickstart" -> commands.quickstart();
                    default -> USAGE;
                };
        System.exit(code);
    }
}
