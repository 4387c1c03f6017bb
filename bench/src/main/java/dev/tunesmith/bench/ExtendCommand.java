package dev.tunesmith.bench;

import dev.tunesmith.engine.io.ModelDirectory;
import dev.tunesmith.engine.io.ModelFileException;
import dev.tunesmith.engine.text.vocabulary.VocabularyExtension;
import dev.tunesmith.engine.text.vocabulary.VocabularyExtension.Result;
import dev.tunesmith.engine.text.vocabulary.VocabularyExtension.Wanted;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/// `extend DIR OUT TOKEN…` adds tokens to the vocabulary of a model.
final class ExtendCommand {
    private static final String USAGE =
            """
            Usage: ./tunesmith extend DIR OUT [--special] [--rows-multiple N] TOKEN…
            Writes the model of DIR with more tokens into OUT, which must be new or empty. The rows of new tokens are
            the mean of all others. --special makes control tokens of them; tables get a multiple of N rows.\
            """;

    private ExtendCommand() {}

    /// Exits with 0 when the folder is written, 1 when the model cannot be read, 2 on wrong usage.
    static int run(List<String> words, PrintStream out) {
        boolean special = words.contains("--special");
        List<String> plain = words.stream().filter(word -> !word.equals("--special")).toList();
        int option = plain.indexOf("--rows-multiple");
        int rows = 1;
        if (option >= 0
                && option + 1 < plain.size()
                && plain.get(option + 1).matches("[1-9]\\d{0,5}")) {
            rows = Integer.parseInt(plain.get(option + 1));
            plain =
                    Stream.concat(
                                    plain.subList(0, option).stream(),
                                    plain.subList(option + 2, plain.size()).stream())
                            .toList();
        }
        if (plain.size() < 3 || plain.stream().anyMatch(word -> word.startsWith("--"))) {
            out.println(USAGE);
            return words.contains("--help") ? 0 : 2;
        }
        return write(plain, new Wanted(plain.subList(2, plain.size()), special, rows), out);
    }

    private static int write(List<String> words, Wanted wanted, PrintStream out) {
        Path folder = Path.of(words.get(1));
        try {
            if (!isEmpty(Files.createDirectories(folder))) {
                out.println(folder + " is not empty: name a new folder");
                return 1;
            }
            Result result =
                    VocabularyExtension.write(
                            ModelDirectory.open(Path.of(words.get(0))), folder, wanted);
            result.ids().forEach((token, id) -> out.println("%s has id %d".formatted(token, id)));
            out.println(
                    "%s holds the model; its tables have %d rows".formatted(folder, result.rows()));
            return 0;
        } catch (ModelFileException | IOException e) {
            out.println(e.getMessage());
            return 1;
        }
    }

    private static boolean isEmpty(Path folder) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.findAny().isEmpty();
        }
    }
}
