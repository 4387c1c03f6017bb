package dev.tunesmith.engine.nn.change;

import dev.tunesmith.engine.nn.Parameter;
import dev.tunesmith.engine.nn.ParameterGradients;
import dev.tunesmith.engine.ops.Columns;
import dev.tunesmith.engine.ops.Elementwise;
import dev.tunesmith.engine.ops.Products;
import dev.tunesmith.engine.ops.Products.Term;
import dev.tunesmith.engine.tape.Tape;
import dev.tunesmith.engine.tensor.Region;
import dev.tunesmith.engine.tensor.Tensor;
import java.util.Arrays;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// A low-rank addition to a linear layer: `y += scale · outer ∘ (B · (inner ∘ (A · x̃)))` with `x̃
/// = dropout(x)`.
///
/// Without the vectors this is LoRA (arXiv 2106.09685). AdaLoRA (arXiv 2303.10512) has singular
/// values as `inner_R`; VeRA (arXiv 2310.11454) trains only both vectors.
///
/// @param bias_O added as `scale · bias`, or null
/// @param inner_R factor of every rank component, or null
/// @param outer_O factor of every output, or null
/// @param dropout share of the inputs that are dropped while training
public record LowRank(
        Parameter a_RI,
        Parameter b_OR,
        @Nullable Parameter bias_O,
        @Nullable Parameter inner_R,
        @Nullable Parameter outer_O,
        double scale,
        double dropout) {

    /// Without vectors.
    public LowRank(
            Parameter a_RI,
            Parameter b_OR,
            @Nullable Parameter bias_O,
            double scale,
            double dropout) {
        this(a_RI, b_OR, bias_O, null, null, scale, dropout);
    }

    /// What the backward pass needs.
    ///
    /// @param v_NR rank components behind the inner factor
    /// @param z_NO outputs before the outer factor, if there is one
    public record Saved(
            Tensor x_NI, Tensor u_NR, Tensor v_NR, @Nullable Tensor z_NO, long stream) {}

    /// Whether any part of it trains.
    public boolean trains() {
        return Stream.of(a_RI, b_OR).anyMatch(Parameter::trains)
                || trains(bias_O)
                || trains(inner_R)
                || trains(outer_O);
    }

    private static boolean trains(@Nullable Parameter parameter) {
        return parameter != null && parameter.trains();
    }

    /// The rank components of the inputs of a layer.
    ///
    /// Without vectors they hold the scale, so that [#joining] is a product like others.
    public Saved components(Tensor x_NI, Tape tape, long stream) {
        Tensor x = x_NI;
        if (dropout > 0 && tape.isRecording()) {
            x = tape.tensor(x_NI.type(), x_NI.shape());
            Elementwise.dropout(x, x_NI, dropout, tape.seed(), stream);
        }
        Tensor u_NR = tape.tensor(x.type(), x.rows(), a_RI.value().size(0));
        Products.linear(u_NR, x, a_RI.value(), 0, innerScale());
        Tensor v_NR = u_NR;
        if (inner_R != null) {
            v_NR = tape.tensor(x.type(), u_NR.shape());
            Columns.scale(v_NR, u_NR, inner_R.vector());
        }
        return new Saved(x, u_NR, v_NR, null, stream);
    }

    /// The scale that the components hold; the output has what is left of it.
    private double innerScale() {
        return inner_R == null ? scale : 1;
    }

    private double outputScale() {
        return inner_R == null ? 1 : scale;
    }

    /// What the layer's own product may add, so that its output is written once; null if the
    /// addition is more than a product. [#addRest] then adds what is left.
    public @Nullable Term joining(Saved saved) {
        return inner_R == null && outer_O == null ? new Term(saved.v_NR, b_OR.value()) : null;
    }

    /// Adds to the output of the layer.
    ///
    /// @param joined whether the layer's product has added [#joining]
    public Saved addRest(Tensor y_NO, Saved saved, boolean joined, Tape tape) {
        Tensor z_NO = null;
        if (outer_O != null) {
            z_NO = tape.tensor(y_NO.type(), y_NO.shape());
            Products.linear(z_NO, saved.v_NR, b_OR.value(), 0, outputScale());
            Tensor part_NO = tape.tensor(y_NO.type(), y_NO.shape());
            Columns.scale(part_NO, z_NO, outer_O.vector());
            Elementwise.add(y_NO, y_NO, part_NO);
        } else if (!joined) {
            Products.linear(y_NO, saved.v_NR, b_OR.value(), 1, outputScale());
        }
        if (bias_O != null) {
            Tensor scaled = tape.region().copy(bias_O.value());
            Elementwise.scale(scaled, scale);
            Elementwise.addBias(y_NO, scaled);
        }
        return new Saved(saved.x_NI, saved.u_NR, saved.v_NR, z_NO, saved.stream);
    }

    /// Collects the gradients of everything that trains.
    ///
    /// @return the gradient of the rank components, for [#addInput] or as a term beside the layer's
    ///   own product
    public Tensor backward(Saved saved, Tensor dy_NO, Tape tape) {
        Region region = tape.region();
        if (bias_O != null && bias_O.trains()) {
            ParameterGradients.addColumnSums(bias_O, dy_NO, scale, region);
        }
        Tensor dz_NO = outerBackward(saved, dy_NO, region);
        Tensor dv_NR = region.tensor(dy_NO.type(), saved.v_NR.shape());
        Products.linearInput(dv_NR, dz_NO, b_OR.value(), 0, scale);
        if (b_OR.trains()) {
            ParameterGradients.addProduct(b_OR, dz_NO, saved.v_NR, outputScale(), region);
        }
        Tensor du_NR = innerBackward(saved, dv_NR, region);
        if (a_RI.trains()) {
            ParameterGradients.addProduct(a_RI, du_NR, saved.x_NI, 1, region);
        }
        return du_NR;
    }

    /// What the layer's own product may add to the gradient of its input; null if dropout lies
    /// between.
    public @Nullable Term joiningInput(Tensor du_NR) {
        return dropout > 0 ? null : new Term(du_NR, a_RI.value());
    }

    /// Adds to the gradient of the input.
    public void addInput(Saved saved, Tensor du_NR, Tensor dx_NI, Tape tape) {
        Tensor part = tape.region().tensor(dx_NI.type(), saved.x_NI.shape());
        Products.linearInput(part, du_NR, a_RI.value(), 0, 1);
        Elementwise.dropout(part, part, dropout, tape.seed(), saved.stream);
        Elementwise.add(dx_NI, dx_NI, part);
    }

    private Tensor outerBackward(Saved saved, Tensor dy_NO, Region region) {
        if (outer_O == null || saved.z_NO == null) {
            return dy_NO;
        }
        if (outer_O.trains()) {
            Columns.addProducts(outer_O.gradient(), dy_NO, saved.z_NO, region);
        }
        Tensor dz_NO = region.tensor(dy_NO.type(), dy_NO.shape());
        Columns.scale(dz_NO, dy_NO, outer_O.vector());
        return dz_NO;
    }

    private Tensor innerBackward(Saved saved, Tensor dv_NR, Region region) {
        if (inner_R == null) {
            return dv_NR;
        }
        if (inner_R.trains()) {
            Columns.addProducts(inner_R.gradient(), dv_NR, saved.u_NR, region);
        }
        Tensor du_NR = region.tensor(dv_NR.type(), dv_NR.shape());
        Columns.scale(du_NR, dv_NR, inner_R.vector());
        return du_NR;
    }

    /// Adds `sign` times the product of all factors to a weight, in fp32 from the masters.
    public void mergeWeight(float[] weight_OI, int inputs, double sign) {
        float[] a = a_RI.best();
        float[] b = b_OR.best();
        float[] inner = inner_R == null ? null : inner_R.best();
        float[] outer = outer_O == null ? null : outer_O.best();
        int rank = a.length / inputs;
        double[] row = new double[inputs];
        for (int o = 0; rank > 0 && o < b.length / rank; o++) {
            Arrays.fill(row, 0);
            double factor = sign * scale * (outer == null ? 1 : outer[o]);
            for (int r = 0; r < rank; r++) {
                double here = b[o * rank + r] * factor * (inner == null ? 1 : inner[r]);
                for (int i = 0; i < inputs; i++) {
                    row[i] += here * a[r * inputs + i];
                }
            }
            for (int i = 0; i < inputs; i++) {
                weight_OI[o * inputs + i] += (float) row[i];
            }
        }
    }
}
