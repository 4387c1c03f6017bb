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
        begin();
        tensors.forEach(this::add);
        return end(max);
    }

    /// Begins to measure tensors that come one after another.
    public void begin() {
        sum.clear();
    }

    /// Takes one more tensor into the norm.
    public void add(Tensor tensor) {
        Reductions.sumSquares(
                Native.element(tensor),
                tensor.address(),
                sum.address(),
                work.address(),
                tensor.elements(),
                Native.threads());
    }

    /// The norm of all that was added, for which [#factor] is prepared.
    public double end(double max) {
        Reductions.clipFactor(sum.address(), norm.address(), factor.address(), max);
        return norm.toFloats()[0];
    }

    /// One fp32 number: what gradients are multiplied by.
    public Tensor factor() {
        return factor;
    }
}
