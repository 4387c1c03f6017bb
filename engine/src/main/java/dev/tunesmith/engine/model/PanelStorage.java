package dev.tunesmith.engine.model;

import dev.tunesmith.kernels.cpu.Panels;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/// How the matrices that decoding reads are stored (see [Panels]).
@FunctionalInterface
public interface PanelStorage {

    /// How one matrix is stored.
    ///
    /// @param name in the checkpoint
    /// @param inputs columns of the matrix
    Choice of(String name, long inputs);

    /// All matrices in one form that needs no encoder; those that do not fit into it stay bf16.
    static PanelStorage uniform(Panels.Form form) {
        return (_, inputs) -> new Choice(form.takes(inputs) ? form : Panels.Form.BF16, null);
    }

    /// A form and, where blocks of GGUF are its source, what turns values of whole rows into such.
    record Choice(Panels.Form form, @Nullable Function<float[], byte[]> encoder) {}
}
