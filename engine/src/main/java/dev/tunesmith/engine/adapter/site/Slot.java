package dev.tunesmith.engine.adapter.site;

import dev.tunesmith.engine.nn.Linear;
import dev.tunesmith.engine.nn.Parameter;
import java.util.Optional;

/// A linear layer that an adapter is about to change.
///
/// @param path what the layer is called in adapter files
public record Slot(Site site, Linear linear, String path) {

    public long outputs() {
        return linear.weight().outputs();
    }

    public long inputs() {
        return linear.weight().inputs();
    }

    /// A trainable matrix in the compute type.
    public Parameter matrix(String suffix, Start start, long... shape) {
        return site.matrix(path + suffix, start, shape);
    }

    /// Trainable numbers in fp32, few and used as factors or angles.
    public Parameter vector(String suffix, Start start, long... shape) {
        return site.vector(path + suffix, start, shape);
    }

    /// The shape that a file has for a tensor.
    public Optional<long[]> shape(String suffix) {
        return site.shape(path + suffix);
    }
}
