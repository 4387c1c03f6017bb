package dev.tunesmith.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;

class HelpTest {
    @Test
    void everyCommandExplainsItself() {
        List<List<String>> commands = below(new CommandLine(new Main()), List.of());
        assertThat(commands).contains(List.of("train"), List.of("models", "export"));
        for (List<String> words : commands) {
            var said = new StringWriter();
            CommandLine line = new CommandLine(new Main());
            line.setOut(new PrintWriter(said)).setErr(new PrintWriter(said));
            List<String> asked = new ArrayList<>(words);
            asked.add("--help");

            int code = line.execute(asked.toArray(String[]::new));

            assertThat(code).as("%s: %s", asked, said).isZero();
            assertThat(said.toString()).startsWith("Usage: tunesmith " + String.join(" ", words));
        }
    }

    private static List<List<String>> below(CommandLine line, List<String> before) {
        var found = new ArrayList<List<String>>();
        line.getSubcommands()
                .forEach((name, command) -> {
                    boolean alias = !name.equals(command.getCommandName());
                    boolean hidden = command.getCommandSpec().usageMessage().hidden();
                    if (alias || name.equals("help") || hidden) {
                        return;
                    }
                    var words = new ArrayList<>(before);
                    words.add(name);
                    found.add(words);
                    found.addAll(below(command, words));
                });
        return found;
    }
}
