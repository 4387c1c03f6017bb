package dev.tunesmith.engine.model;

import dev.tunesmith.engine.model.Architecture.NormPlan.Placement;
import dev.tunesmith.engine.nn.Attention;
import dev.tunesmith.engine.nn.AttentionShape;
import dev.tunesmith.engine.nn.AttentionShape.Bias;
import dev.tunesmith.engine.nn.AttentionShape.QueryKeyNorm;
import dev.tunesmith.engine.nn.Block;
import dev.tunesmith.engine.nn.GatedMlp;
import dev.tunesmith.engine.nn.Linear;
import dev.tunesmith.engine.nn.RmsNorm;

/// Builds layers from the tensors of a checkpoint.
final class LayerReader {

    private final Architecture architecture;
    private final Checkpoint checkpoint;

    LayerReader(Architecture architecture, Checkpoint checkpoint) {
        this.architecture = architecture;
        this.checkpoint = checkpoint;
    }

    Block block(int layer) {
        String path = "model.layers.%d.".formatted(layer);
        int width = architecture.size().width();
        Placement placement = architecture.norms().placement();
        // The names depend on the placement: with norms around, "post_attention" is the one behind.
        Block.Norms norms =
                switch (placement) {
                    case BEFORE ->
                            new Block.Norms(
                                    norm(path + "input_layernorm", width),
                                    null,
                                    norm(path + "post_attention_layernorm", width),
                                    null);
                    case AFTER ->
                            new Block.Norms(
                                    null,
                                    norm(path + "post_attention_layernorm", width),
                                    null,
                                    norm(path + "post_feedforward_layernorm", width));
                    case AROUND ->
                            new Block.Norms(
                                    norm(path + "input_layernorm", width),
                                    norm(path + "post_attention_layernorm", width),
                                    norm(path + "pre_feedforward_layernorm", width),
                                    norm(path + "post_feedforward_layernorm", width));
                };
        return new Block(
                norms,
                attention(layer, path + "self_attn."),
                mlp(path + "mlp."),
                architecture.edges().residualFactor());
    }

    RmsNorm norm(String path, long width) {
        return new RmsNorm(
                checkpoint.parameter(path + ".weight", width),
                architecture.norms().eps(),
                architecture.norms().gainOffset());
    }

    private Attention attention(int layer, String path) {
        AttentionShape shape = architecture.attention();
        int width = architecture.size().width();
        boolean inputBias = shape.bias() != Bias.NONE;
        boolean whole = shape.norm() == QueryKeyNorm.WHOLE;
        boolean normed = shape.norm() != QueryKeyNorm.NONE;
        int queryNorm = whole ? shape.queryWidth() : shape.headWidth();
        int keyNorm = whole ? shape.keyWidth() : shape.headWidth();
        var projections =
                new Attention.Projections(
                        linear(path + "q_proj", shape.queryWidth(), width, inputBias),
                        linear(path + "k_proj", shape.keyWidth(), width, inputBias),
                        linear(path + "v_proj", shape.keyWidth(), width, inputBias),
                        linear(
                                path + "o_proj",
                                width,
                                shape.queryWidth(),
                                shape.bias() == Bias.ALL),
                        normed ? norm(path + "q_norm", queryNorm) : null,
                        normed ? norm(path + "k_norm", keyNorm) : null);
        var place =
                new Attention.Place(
                        layer,
                        architecture.positions().windows_L().get(layer),
                        architecture.positions().rotaryOf_L().get(layer));
        return new Attention(shape, projections, place);
    }

    private GatedMlp mlp(String path) {
        int width = architecture.size().width();
        int inner = architecture.mlp().width();
        boolean bias = architecture.mlp().bias();
        return new GatedMlp(
                linear(path + "gate_proj", inner, width, bias),
                linear(path + "up_proj", inner, width, bias),
                linear(path + "down_proj", width, inner, bias),
                architecture.mlp().activation());
    }

    private Linear linear(String path, long outputs, long inputs, boolean bias) {
        return new Linear(
                path,
                checkpoint.matrix(path, outputs, inputs),
                bias ? checkpoint.parameter(path + ".bias", outputs) : null);
    }
}
