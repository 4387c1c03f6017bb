package dev.tunesmith.engine.ops;

import dev.tunesmith.engine.tensor.DType;
import dev.tunesmith.engine.tensor.Region;
import dev.tunesmith.engine.tensor.Tensor;
import dev.tunesmith.kernels.cpu.Elementwise.DropoutStream;
import dev.tunesmith.kernels.cpu.Reductions;
import dev.tunesmith.kernels.cpu.Rows;

/// Operations on single elements and on columns.
public final class Elementwise {

    private Elementwise() {}

    /// `out = a + b`; `out` may be `a` or `b`.
    public static void add(Tensor out, Tensor a, Tensor b) {
        Native.requireSame("sum", out, a, b);
        dev.tunesmith.kernels.cpu.Elementwise.add(
                Native.element(out),
                a.address(),
                b.address(),
                out.address(),
                out.elements(),
                Native.threads());
    }

    /// `sum += factor · x` for an fp32 `sum` and any float `x`.
    public static void accumulate(Tensor sum, Tensor x, double factor) {
        Native.requireSame("accumulation", sum, x);
        Native.requireType("a gradient sum", DType.F32, sum);
        dev.tunesmith.kernels.cpu.Elementwise.accumulate(
                Native.element(x),
                sum.address(),
                x.address(),
                (float) factor,
                sum.elements(),
                Native.threads());
    }

    /// Sets every element.
    public static void fill(Tensor x, double value) {
        Native.requireContiguous("filling", x);
        dev.tunesmith.kernels.cpu.Elementwise.fill(
                Native.element(x), x.address(), (float) value, x.elements(), Native.threads());
    }

    /// `x = factor · x`.
    public static void scale(Tensor x, double factor) {
        Native.requireContiguous("scaling", x);
        dev.tunesmith.kernels.cpu.Elementwise.scale(
                Native.element(x), x.address(), (float) factor, x.elements(), Native.threads());
    }

    /// Copies, rounding or widening where the float types differ.
    public static void convert(Tensor to, Tensor from) {
        Native.requireSame("conversion", to, from);
        if (to.type() == from.type()) {
            to.copyFrom(from);
            return;
        }
        dev.tunesmith.kernels.cpu.Elementwise.cast(
                Native.element(to), from.address(), to.address(), to.elements(), Native.threads());
    }

    /// Adds a bias of the same type to every row, in place.
    public static void addBias(Tensor x_NC, Tensor bias_C) {
        dev.tunesmith.kernels.cpu.Elementwise.biasAdd(
                Native.element(x_NC), Native.strided(x_NC), bias_C.address(), Native.rows(x_NC));
    }

    /// Adds the column sums of `g_NC` to an fp32 bias gradient. `scratch` lends working memory.
    public static void biasGradient(Tensor dBias_C, Tensor g_NC, Region scratch) {
        Native.requireType("a bias gradient", DType.F32, dBias_C);
        Rows rows = Native.rows(g_NC);
        Tensor work = bytes(scratch, Reductions.biasGradientScratchBytes(rows));
        Reductions.biasGradient(
                Native.element(g_NC),
                Native.strided(g_NC),
                dBias_C.address(),
                work.address(),
                rows);
    }

    /// `y = x / (1 − p)` where the stream keeps an element, else 0. The same call on a gradient is
    /// the backward pass; `y` may be `x`.
    public static void dropout(Tensor y, Tensor x, double probability, long seed, long offset) {
        Native.requireSame("dropout", y, x);
        dev.tunesmith.kernels.cpu.Elementwise.dropout(
                Native.element(x),
                x.address(),
                y.address(),
                x.elements(),
                new DropoutStream((float) probability, seed, offset),
                Native.threads());
    }

    /// Working memory of that many bytes.
    static Tensor bytes(Region region, long bytes) {
        return region.tensor(DType.I32, Math.ceilDiv(Math.max(bytes, 4), 4));
    }
}
