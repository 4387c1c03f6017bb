package dev.tunesmith.engine.adapter;

import dev.tunesmith.engine.adapter.site.AdapterException;
import dev.tunesmith.engine.io.JsonTree;
import dev.tunesmith.engine.quant.FourBitFormat;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/// The note beside an adapter that says how the weights below it were quantised while it trained.
///
/// An adapter corrects the errors of the codes that it was trained on, so whoever uses it quantises
/// the same base in the same way. The content is what transformers calls a `quantization_config`;
/// PEFT ignores the file.
public final class FrozenBase {

    /// Name of the file.
    public static final String FILE = "base_quantization.json";

    private FrozenBase() {}

    /// Writes the note into the folder of an adapter.
    public static void write(Path folder, FourBitFormat format) throws IOException {
        JsonTree.write(folder.resolve(FILE), format.toTree());
    }

    /// The note in the folder of an adapter, if there is one.
    ///
    /// @throws AdapterException if it asks for a format that is not supported
    public static Optional<FourBitFormat> read(Path folder) {
        Path file = folder.resolve(FILE);
        if (!Files.exists(file)) {
            return Optional.empty();
        }
        Optional<FourBitFormat> format = FourBitFormat.of(JsonTree.read(file));
        if (format.isEmpty()) {
            throw new AdapterException(FILE, List.of("only four-bit bitsandbytes is supported"));
        }
        return format;
    }
}
