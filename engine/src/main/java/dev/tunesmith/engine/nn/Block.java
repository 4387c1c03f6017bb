package dev.tunesmith.engine.nn;

import dev.tunesmith.engine.ops.Elementwise;
import dev.tunesmith.engine.tape.Tape;
import dev.tunesmith.engine.tensor.Tensor;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/// One transformer block: attention and MLP, each added to the residual stream, with norms where
/// the model has them.
///
/// @param parallel whether attention and MLP read the same input instead of one after the other
/// @param residualFactor factor of what is added to the residual stream
public record Block(
        Norms norms, Attention attention, Mlp mlp, boolean parallel, double residualFactor) {

    /// Norms of a block; null where the model has none.
    ///
    /// @param attentionIn before attention
    /// @param attentionOut after attention, before the addition
    /// @param mlpIn before the MLP; null in a parallel block whose MLP reads what attention reads
    /// @param mlpOut after the MLP, before the addition
    public record Norms(
            @Nullable Norm attentionIn,
            @Nullable Norm attentionOut,
            @Nullable Norm mlpIn,
            @Nullable Norm mlpOut) {
        private Norms with(UnaryOperator<Parameter> change) {
            return new Norms(
                    changed(attentionIn, change),
                    changed(attentionOut, change),
                    changed(mlpIn, change),
                    changed(mlpOut, change));
        }
    }

    private static @Nullable Norm changed(@Nullable Norm norm, UnaryOperator<Parameter> change) {
        return norm == null ? null : norm.with(change);
    }

    /// The same layers with other parameters in the norms.
    public Block with(UnaryOperator<Parameter> change) {
        Attention.Projections inside = attention.projections();
        var projections =
                new Attention.Projections(
                        inside.input(),
                        inside.output(),
                        changed(inside.queryNorm(), change),
                        changed(inside.keyNorm(), change));
        return new Block(
                norms.with(change),
                new Attention(attention.shape(), projections, attention.place()),
                mlp,
                parallel,
                residualFactor);
    }

    /// The same layers without additions, sharing all parameters.
    public Block share() {
        return new Block(norms, attention.share(), mlp.share(), parallel, residualFactor);
    }

    /// Computes the block and records it.
    public Tensor forward(Tape tape, Tensor x_ND, Context context) {
        return forward(tape, x_ND, context, false);
    }

    /// As the other.
    ///
    /// @param attentionAgain whether the backward pass computes attention a second time instead of
    ///   finding it in memory
    public Tensor forward(Tape tape, Tensor x_ND, Context context, boolean attentionAgain) {
        Tensor in_ND = normed(tape, x_ND, norms.attentionIn);
        Tensor a_ND =
                attentionAgain
                        ? tape.block(
                                in_ND, true, (inner, in) -> attention.forward(inner, in, context))
                        : attention.forward(tape, in_ND, context);
        if (parallel) {
            Norm mlpIn = norms.mlpIn;
            Tensor m_ND = mlp.forward(tape, mlpIn == null ? in_ND : mlpIn.forward(tape, x_ND));
            return added(tape, added(tape, x_ND, a_ND), m_ND);
        }
        Tensor middle_ND = added(tape, x_ND, normed(tape, a_ND, norms.attentionOut));
        Tensor m_ND = mlp.forward(tape, normed(tape, middle_ND, norms.mlpIn));
        return added(tape, middle_ND, normed(tape, m_ND, norms.mlpOut));
    }

    private static Tensor normed(Tape tape, Tensor x_ND, @Nullable Norm norm) {
        return norm == null ? x_ND : norm.forward(tape, x_ND);
    }

    /// Adds in the memory of the branch: neither a linear layer nor a norm keeps its output.
    private Tensor added(Tape tape, Tensor x_ND, Tensor branch_ND) {
        if (residualFactor != 1) {
            Elementwise.scale(branch_ND, residualFactor);
        }
        Tensor sum_ND = branch_ND.reshape(branch_ND.shape());
        Elementwise.add(sum_ND, x_ND, branch_ND);
        if (tape.tracks(x_ND) || tape.tracks(branch_ND)) {
            tape.record(sum_ND, dSum_ND -> backward(tape, dSum_ND, x_ND, branch_ND));
        }
        return sum_ND;
    }

    private void backward(Tape tape, Tensor dSum_ND, Tensor x_ND, Tensor branch_ND) {
        if (residualFactor == 1) {
            tape.shareGradient(dSum_ND, branch_ND, x_ND);
            return;
        }
        if (tape.tracks(branch_ND)) {
            Tensor scaled = tape.region().copy(dSum_ND);
            Elementwise.scale(scaled, residualFactor);
            tape.addGradient(branch_ND, scaled);
        }
        tape.shareGradient(dSum_ND, x_ND);
    }
}
