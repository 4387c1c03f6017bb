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
        Object found = directory.config().get("quantization_config");
        if (!(found instanceof Map<?, ?> config)) {
            return Optional.empty();
        }
        Object method = config.get("quant_method");
        if ("bitsandbytes".equals(method) && Boolean.TRUE.equals(config.get("load_in_4bit"))) {
            return Optional.of(new BitsAndBytes4());
        }
        throw new ModelFileException(
                directory.path().resolve(ModelDirectory.CONFIG),
                "quantization_config: %s is not supported (supported: bitsandbytes with 4 bits)"
                        .formatted(
                                Boolean.TRUE.equals(config.get("load_in_8bit"))
                                        ? method + " with 8 bits"
                                        : method));
    }
}
