package dev.tunesmith.engine.nn;

import dev.tunesmith.engine.ops.Elementwise;
import dev.tunesmith.engine.ops.Products;
import dev.tunesmith.engine.tape.Tape;
import dev.tunesmith.engine.tensor.Region;
import dev.tunesmith.engine.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/// A low-rank addition to a linear layer: `y += scale · (x̃ Aᵀ) Bᵀ` with `x̃ = dropout(x)` (LoRA,
/// arXiv 2106.09685).
///
/// @param bias_O added as `scale · bias`, or null
/// @param dropout share of the inputs that are dropped while training
public record LowRank(
        Parameter a_RI, Parameter b_OR, @Nullable Parameter bias_O, double scale, double dropout) {

    /// What the backward pass needs.
    record Saved(Tensor x_NI, Tensor u_NR, long stream) {}

    boolean trains() {
        return a_RI.trains();
    }

    /// Adds to the output of the layer.
    Saved addTo(Tensor y_NO, Tensor x_NI, Tape tape, long stream) {
        Tensor x = x_NI;
        if (dropout > 0 && tape.isRecording()) {
            x = tape.tensor(x_NI.type(), x_NI.shape());
            Elementwise.dropout(x, x_NI, dropout, tape.seed(), stream);
        }
        Tensor u_NR = tape.tensor(x.type(), x.rows(), a_RI.value().size(0));
        Products.linear(u_NR, x, a_RI.value());
        Products.linear(y_NO, u_NR, b_OR.value(), 1, scale);
        if (bias_O != null) {
            Tensor scaled = tape.region().copy(bias_O.value());
            Elementwise.scale(scaled, scale);
            Elementwise.addBias(y_NO, scaled);
        }
        return new Saved(x, u_NR, stream);
    }

    /// Collects the gradients of both factors, and adds to the gradient of the input if wanted.
    void backward(Saved saved, Tensor dy_NO, Tape tape, Tape.@Nullable Sink dx) {
        Region region = tape.region();
        Tensor du_NR = region.tensor(dy_NO.type(), saved.u_NR.shape());
        Products.linearInput(du_NR, dy_NO, b_OR.value(), 0, scale);
        if (trains()) {
            ParameterGradients.addProduct(b_OR, dy_NO, saved.u_NR, scale, region);
            ParameterGradients.addProduct(a_RI, du_NR, saved.x_NI, 1, region);
            if (bias_O != null) {
                ParameterGradients.addColumnSums(bias_O, dy_NO, scale, region);
            }
        }
        if (dx == null) {
            return;
        }
        if (dropout > 0) {
            Tensor part = region.tensor(dy_NO.type(), saved.x_NI.shape());
            Products.linearInput(part, du_NR, a_RI.value(), 0, 1);
            Elementwise.dropout(part, part, dropout, tape.seed(), saved.stream);
            Elementwise.add(dx.into(), dx.into(), part);
        } else {
            Products.linearInput(dx.into(), du_NR, a_RI.value(), 1, 1);
        }
    }
}
