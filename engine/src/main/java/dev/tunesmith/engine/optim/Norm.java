package dev.tunesmith.engine.optim;

import dev.tunesmith.engine.ops.GradientNorm;
import dev.tunesmith.engine.tensor.Region;
import dev.tunesmith.engine.tensor.Tensor;
import java.util.List;

/// The Euclidean norm of one tensor.
final class Norm {

    private Norm() {}

    static double of(Tensor tensor, Region scratch) {
        List<Tensor> one = List.of(tensor);
        return new GradientNorm(one, scratch).measure(one, 0);
    }
}
