package dev.tunesmith.engine.nn;

import dev.tunesmith.engine.ops.Elementwise;
import dev.tunesmith.engine.ops.Products;
import dev.tunesmith.engine.tensor.DType;
import dev.tunesmith.engine.tensor.Region;
import dev.tunesmith.engine.tensor.Tensor;

/// Adds to the fp32 gradients of parameters whatever the type of the activations.
public final class ParameterGradients {

    private ParameterGradients() {}

    /// `gradient += alpha · dyᵀ · x`. In bf16 the product is rounded once before it is added.
    public static void addProduct(
            Parameter parameter, Tensor dy_NO, Tensor x_NI, double alpha, Region region) {
        if (Products.sumsWide(dy_NO.type())) {
            Products.linearWeight(parameter.gradient(), dy_NO, x_NI, 1, alpha);
            return;
        }
        Tensor rounded = region.tensor(dy_NO.type(), parameter.value().shape());
        Products.linearWeight(rounded, dy_NO, x_NI, 0, 1);
        Elementwise.accumulate(parameter.gradient(), rounded, alpha);
    }

    /// Adds values computed elsewhere.
    public static void add(Parameter parameter, float[] values) {
        float[] sum = parameter.gradient().toFloats();
        for (int i = 0; i < sum.length; i++) {
            sum[i] += values[i];
        }
        parameter.gradient().set(sum);
    }

    /// `gradient += alpha · column sums of dy`.
    public static void addColumnSums(
            Parameter parameter, Tensor dy_NO, double alpha, Region region) {
        if (alpha == 1) {
            Elementwise.biasGradient(parameter.gradient(), dy_NO, region);
            return;
        }
        Tensor sums = region.zeros(DType.F32, dy_NO.width());
        Elementwise.biasGradient(sums, dy_NO, region);
        Elementwise.accumulate(parameter.gradient(), sums, alpha);
    }
}
