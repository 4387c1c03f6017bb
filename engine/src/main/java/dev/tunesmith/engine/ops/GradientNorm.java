package dev.tunesmith.engine.ops;

import dev.tunesmith.engine.tensor.DType;
import dev.tunesmith.engine.tensor.Region;
import dev.tunesmith.engine.tensor.Tensor;
import dev.tunesmith.kernels.cpu.Reductions;
import java.util.List;

/// The Euclidean norm of many tensors together, and the factor that limits it.
public final class GradientNorm {

    private final Tensor sum;
    private final Tensor norm;
    private final Tensor factor;
    private final Tensor work;

    /// Working memory for the given tensors, which later calls must not exceed.
    public GradientNorm(List<Tensor> tensors, Region region) {
        long bytes = 0;
        for (Tensor tensor : tensors) {
            bytes = Math.max(bytes, Reductions.sumSquaresScratchBytes(tensor.elements()));
        }
        this.sum = region.zeros(DType.I64, 1);
        this.norm = region.zeros(DType.F32, 1);
        this.factor = region.zeros(DType.F32, 1);
        this.work = Elementwise.bytes(region, bytes);
    }

    /// Measures the norm and prepares [#factor] = min(1, max / (norm + 1e-6)); 1 if `max` is 0.
    public double measure(List<Tensor> tensors, double max) {
        sum.clear();
        for (Tensor tensor : tensors) {
            Reductions.sumSquares(
                    Native.element(tensor),
                    tensor.address(),
                    sum.address(),
                    work.address(),
                    tensor.elements(),
                    Native.threads());
        }
        Reductions.clipFactor(sum.address(), norm.address(), factor.address(), max);
        return norm.toFloats()[0];
    }

    /// One fp32 number: what gradients are multiplied by.
    public Tensor factor() {
        return factor;
    }
}
