package dev.tunesmith.bench;

import dev.tunesmith.engine.gguf.GgufExport;
import dev.tunesmith.engine.gguf.GgufImport;
import dev.tunesmith.engine.gguf.GgufMixture;
import dev.tunesmith.engine.io.ModelDirectory;
import dev.tunesmith.engine.io.ModelFileException;
import dev.tunesmith.engine.io.StoredType;
import dev.tunesmith.engine.model.QuantisedFolder;
import dev.tunesmith.engine.model.UnsupportedModelException;
import dev.tunesmith.engine.quant.SavedForm;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/// `convert FILE.gguf DIR` turns a file of llama.cpp into a model folder, `convert DIR FILE.gguf` a
/// model folder into such a file.
final class ConvertCommand {
    private static final String USAGE =
            """
            Usage: ./tunesmith convert FILE.gguf DIR [--dtype bfloat16|float32]
                   ./tunesmith convert DIR FILE.gguf [--type bf16|f16|q8_0|q4_k_m]
                   ./tunesmith convert DIR DIR --form fp8|int8|nf4
            The first decodes a GGUF file into a model folder as Hugging Face lays it out; DIR must be new or empty.
            The second writes such a folder as one GGUF file, which must be new; q4_k_m holds four to six bits a weight.
            The third quantises the linear layers of a folder into another, in a layout that transformers loads.\
            """;
    private static final String GGUF = ".gguf";
    private static final Map<String, StoredType> DTYPES =
            Map.of("bfloat16", StoredType.BF16, "float32", StoredType.F32);

    private ConvertCommand() {}

    /// Exits with 0 when the result is written, 1 when the source cannot be read, 2 on wrong usage.
    static int run(List<String> words, PrintStream out) {
        if (words.size() == 2 || words.size() == 4) {
            Path source = Path.of(words.get(0));
            Path target = Path.of(words.get(1));
            Optional<StoredType> dtype =
                    Optional.ofNullable(DTYPES.get(option(words, "--dtype", "bfloat16")));
            Optional<GgufMixture> mixture = GgufMixture.of(option(words, "--type", "bf16"));
            try {
                if (words.get(1).endsWith(GGUF) && mixture.isPresent()) {
                    return exported(source, target, mixture.get(), out);
                }
                Optional<SavedForm> form = SavedForm.of(option(words, "--form", ""));
                if (!words.get(1).endsWith(GGUF) && form.isPresent()) {
                    return quantised(source, target, form.get(), out);
                }
                if (!words.get(1).endsWith(GGUF) && dtype.isPresent()) {
                    return imported(source, target, dtype.get(), out);
                }
            } catch (ModelFileException | UnsupportedModelException | IOException e) {
                out.println(e.getMessage());
                return 1;
            }
        }
        out.println(USAGE);
        return words.contains("--help") ? 0 : 2;
    }

    /// The value of the only option there may be; an unknown one has none.
    private static String option(List<String> words, String name, String otherwise) {
        if (words.size() == 2) {
            return otherwise;
        }
        return words.get(2).equals(name) ? words.get(3) : "";
    }

    private static int exported(Path folder, Path file, GgufMixture mixture, PrintStream out)
            throws IOException {
        GgufExport.run(ModelDirectory.open(folder), file, mixture)
                .forEach(note -> out.println("note: " + note));
        out.println(
                "%s holds the model in %d MiB"
                        .formatted(file, Math.ceilDiv(Files.size(file), 1L << 20)));
        return 0;
    }

    private static int quantised(Path source, Path folder, SavedForm form, PrintStream out)
            throws IOException {
        if (!isEmpty(Files.createDirectories(folder))) {
            out.println(folder + " is not empty: name a new folder");
            return 1;
        }
        QuantisedFolder.write(ModelDirectory.open(source), folder, form);
        out.println(folder + " holds the model");
        return 0;
    }

    private static int imported(Path file, Path folder, StoredType type, PrintStream out)
            throws IOException {
        if (!isEmpty(Files.createDirectories(folder))) {
            out.println(folder + " is not empty: name a new folder");
            return 1;
        }
        GgufImport.run(file, folder, type).forEach(note -> out.println("note: " + note));
        out.println(folder + " holds the model");
        return 0;
    }

    private static boolean isEmpty(Path folder) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.findAny().isEmpty();
        }
    }
}
