package dev.tunesmith.engine.quant;

import dev.tunesmith.engine.io.ModelDirectory;
import dev.tunesmith.engine.io.ModelFileException;
import dev.tunesmith.engine.io.WeightFiles;
import dev.tunesmith.engine.nn.Weight;
import dev.tunesmith.engine.tensor.Region;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Reads the matrices of a checkpoint whose `quantization_config` says that they are quantised.
public sealed interface PackedForm permits BitsAndBytes4 {

    /// A matrix to be found.
    ///
    /// @param module path of the layer, without `.weight`
    record Wanted(String module, long outputs, long inputs) {}

    /// A matrix that was found.
    ///
    /// @param tensors names of everything in the checkpoint that belongs to it
    record Found(Weight weight, List<String> tensors) {}

    /// The matrix of a layer, or empty if this layer is stored as plain floats.
    ///
    /// @param region where what is not mapped lives
    /// @throws ModelFileException if its parts do not fit together
    Optional<Found> read(WeightFiles files, Wanted wanted, Region region);

    /// The form of a checkpoint, or empty if all of it is plain.
    ///
    /// @throws ModelFileException naming a form that cannot be read
    static Optional<PackedForm> of(ModelDirectory directory) {
        fault(directory.config())
                .ifPresent(fault -> {
                    throw new ModelFileException(
                            directory.path().resolve(ModelDirectory.CONFIG), fault);
                });
        return directory.config().get("quantization_config") != null
                ? Optional.of(new BitsAndBytes4())
                : Optional.empty();
    }

    /// Why a checkpoint with this `config.json` cannot be read, if its form is not supported.
    static Optional<String> fault(Map<String, Object> config) {
        if (config.get("quantization_config") == null) {
            return Optional.empty();
        }
        Map<?, ?> form =
                config.get("quantization_config") instanceof Map<?, ?> map ? map : Map.of();
        if ("bitsandbytes".equals(form.get("quant_method"))
                && Boolean.TRUE.equals(form.get("load_in_4bit"))) {
            return Optional.empty();
        }
        boolean eight = Boolean.TRUE.equals(form.get("load_in_8bit"));
        return Optional.of(
                "quantization_config: %s%s is not supported (supported: bitsandbytes with 4 bits)"
                        .formatted(form.get("quant_method"), eight ? " with 8 bits" : ""));
    }
}
