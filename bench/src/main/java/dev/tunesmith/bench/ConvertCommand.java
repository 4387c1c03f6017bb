package dev.tunesmith.bench;

import dev.tunesmith.engine.gguf.GgufImport;
import dev.tunesmith.engine.io.ModelFileException;
import dev.tunesmith.engine.io.StoredType;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/// `convert FILE.gguf DIR [--dtype float32|bfloat16]` turns a file of llama.cpp into a model
/// folder.
final class ConvertCommand {
    private static final String USAGE =
            """
            Usage: ./tunesmith convert FILE.gguf DIR [--dtype bfloat16|float32]
            Decodes a GGUF file into a model folder as Hugging Face lays it out; DIR must be new or empty.\
            """;

    private ConvertCommand() {}

    /// Exits with 0 when the folder is written, 1 when the file cannot be read, 2 on wrong usage.
    static int run(List<String> words, PrintStream out) {
        boolean typed = words.size() == 4 && words.get(2).equals("--dtype");
        boolean known =
                words.size() == 2
                        || (typed && List.of("bfloat16", "float32").contains(words.get(3)));
        if (!known) {
            out.println(USAGE);
            return words.contains("--help") ? 0 : 2;
        }
        Path folder = Path.of(words.get(1));
        StoredType type =
                typed && words.get(3).equals("float32") ? StoredType.F32 : StoredType.BF16;
        try {
            if (!isEmpty(Files.createDirectories(folder))) {
                out.println(folder + " is not empty: name a new folder");
                return 1;
            }
            GgufImport.run(Path.of(words.get(0)), folder, type)
                    .forEach(note -> out.println("note: " + note));
            out.println(folder + " holds the model");
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
