package dev.tunesmith.engine.nn.change;

import dev.tunesmith.engine.nn.Parameter;
import dev.tunesmith.engine.nn.ParameterGradients;
import dev.tunesmith.engine.ops.Columns;
import dev.tunesmith.engine.ops.Elementwise;
import dev.tunesmith.engine.tape.Tape;
import dev.tunesmith.engine.tensor.DType;
import dev.tunesmith.engine.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/// A factor for every output of a linear layer: `y ∘ factor`, or `y ∘ factor / norm`.
///
/// IA3 (arXiv 2205.05638) scales what the layer gives; BOFT scales its product; DoRA (arXiv
/// 2402.09353) does too, by a magnitude over the norm of the row of the changed weight, which
/// counts as a constant in the backward pass.
///
/// @param norms what the factor is divided by, or null
public record OutputScale(Parameter factor_O, Place place, @Nullable RowNorms norms) {

    /// Whether the bias is scaled along.
    public enum Place {
        /// The bias is added afterwards.
        BEFORE_BIAS,
        /// The bias is scaled too.
        BEHIND_BIAS
    }

    /// Scales the output of a layer and records it.
    ///
    /// @param addition what the norms take into account, or null
    /// @param bias_O added afterwards, or null
    public Tensor forward(
            Tape tape, Tensor y_NO, @Nullable LowRank addition, @Nullable Parameter bias_O) {
        if (norms == null) {
            return scaled(tape, y_NO, null, bias_O);
        }
        float[] norms_O =
                addition == null
                        ? norms.plain()
                        : norms.now(
                                addition.a_RI().value(),
                                addition.b_OR().value(),
                                addition.scale(),
                                tape);
        return scaled(tape, y_NO, norms_O, bias_O);
    }

    /// Scales rows and records it.
    ///
    /// @param norms_O what the factors are divided by, or null
    public Tensor scaled(
            Tape tape, Tensor y_NO, float @Nullable [] norms_O, @Nullable Parameter bias_O) {
        Tensor gain_O = gain(tape, norms_O);
        Tensor out_NO = tape.tensor(y_NO.type(), y_NO.shape());
        Columns.scale(out_NO, y_NO, gain_O);
        if (bias_O != null) {
            Elementwise.addBias(out_NO, bias_O.value());
        }
        boolean biasTrains = bias_O != null && bias_O.trains();
        if (tape.tracks(y_NO) || factor_O.trains() || biasTrains) {
            tape.record(
                    out_NO,
                    dOut_NO -> {
                        if (bias_O != null && bias_O.trains()) {
                            ParameterGradients.addColumnSums(bias_O, dOut_NO, 1, tape.region());
                        }
                        backward(tape, y_NO, dOut_NO, gain_O, norms_O);
                    });
        }
        return out_NO;
    }

    private Tensor gain(Tape tape, float @Nullable [] norms_O) {
        if (norms_O == null) {
            return factor_O.vector();
        }
        float[] gain_O = factor_O.value().toFloats();
        for (int o = 0; o < gain_O.length; o++) {
            gain_O[o] /= norms_O[o];
        }
        return tape.region().floats(gain_O, gain_O.length);
    }

    private void backward(
            Tape tape, Tensor y_NO, Tensor dOut_NO, Tensor gain_O, float @Nullable [] norms_O) {
        if (factor_O.trains()) {
            Tensor sums_O = tape.region().zeros(DType.F32, y_NO.width());
            Columns.addProducts(sums_O, dOut_NO, y_NO, tape.region());
            float[] gradient_O = sums_O.toFloats();
            for (int o = 0; norms_O != null && o < gradient_O.length; o++) {
                gradient_O[o] /= norms_O[o];
            }
            ParameterGradients.add(factor_O, gradient_O);
        }
        if (tape.tracks(y_NO)) {
            Tensor dy_NO = tape.tensor(dOut_NO.type(), dOut_NO.shape());
            Columns.scale(dy_NO, dOut_NO, gain_O);
            tape.addGradient(y_NO, dy_NO);
        }
    }

    /// The factors in fp32, from the masters.
    ///
    /// @param weight_OI weight without the addition of `change`
    float[] factors(float[] weight_OI, int inputs, Change change) {
        float[] factors_O = factor_O.best();
        if (norms == null) {
            return factors_O;
        }
        float[] changed_OI = weight_OI.clone();
        LowRank addition = change.addition();
        if (addition != null) {
            addition.mergeWeight(changed_OI, inputs, 1);
        }
        for (int o = 0; o < factors_O.length; o++) {
            double sum = 0;
            for (int i = o * inputs; i < (o + 1) * inputs; i++) {
                sum += (double) changed_OI[i] * changed_OI[i];
            }
            factors_O[o] /= (float) Math.sqrt(sum);
        }
        return factors_O;
    }
}
