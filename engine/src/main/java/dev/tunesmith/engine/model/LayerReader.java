package dev.tunesmith.engine.model;

import dev.tunesmith.engine.model.Architecture.Layout;
import dev.tunesmith.engine.model.Architecture.NormPlan.Placement;
import dev.tunesmith.engine.nn.Attention;
import dev.tunesmith.engine.nn.AttentionShape;
import dev.tunesmith.engine.nn.AttentionShape.Bias;
import dev.tunesmith.engine.nn.AttentionShape.QueryKeyNorm;
import dev.tunesmith.engine.nn.Block;
import dev.tunesmith.engine.nn.Branches;
import dev.tunesmith.engine.nn.GatedMlp;
import dev.tunesmith.engine.nn.LayerNorm;
import dev.tunesmith.engine.nn.Linear;
import dev.tunesmith.engine.nn.MixtureMlp;
import dev.tunesmith.engine.nn.Mlp;
import dev.tunesmith.engine.nn.Norm;
import dev.tunesmith.engine.nn.PlainMlp;
import dev.tunesmith.engine.nn.RmsNorm;
import dev.tunesmith.engine.nn.Routing;
import dev.tunesmith.engine.nn.Weight;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// Builds layers from the tensors of a checkpoint.
final class LayerReader {

    private final Architecture architecture;
    private final Checkpoint checkpoint;
    private final boolean gpt2;
    private final Routing routing;

    LayerReader(Architecture architecture, Checkpoint checkpoint) {
        this.architecture = architecture;
        this.checkpoint = checkpoint;
        this.gpt2 = architecture.layout() == Layout.GPT2;
        Architecture.Experts experts = architecture.mlp().experts();
        this.routing = new Routing(experts == null ? 0 : experts.count());
    }

    /// What notes the choices of all routers.
    Routing routing() {
        return routing;
    }

    /// Path of the token embedding.
    String embedding() {
        return gpt2 ? "transformer.wte" : "model.embed_tokens";
    }

    /// Path of the table of learned positions.
    String positions() {
        return "transformer.wpe";
    }

    /// The norm after the last block.
    Norm lastNorm() {
        return norm(gpt2 ? "transformer.ln_f" : "model.norm", architecture.size().width());
    }

    Block block(int layer) {
        String path = (gpt2 ? "transformer.h.%d." : "model.layers.%d.").formatted(layer);
        return new Block(
                norms(path),
                attention(layer, path + (gpt2 ? "attn." : "self_attn.")),
                mlp(layer, path),
                architecture.edges().residualFactor());
    }

    /// The names depend on the placement: with norms around, "post_attention" is the one behind.
    private Block.Norms norms(String path) {
        int width = architecture.size().width();
        if (gpt2) {
            return new Block.Norms(
                    norm(path + "ln_1", width), null, norm(path + "ln_2", width), null);
        }
        Placement placement = architecture.norms().placement();
        return switch (placement) {
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
    }

    private Norm norm(String path, long width) {
        Architecture.NormPlan plan = architecture.norms();
        if (plan.centred()) {
            return new LayerNorm(
                    checkpoint.parameter(path + ".weight", width),
                    checkpoint.parameter(path + ".bias", width),
                    plan.eps());
        }
        return new RmsNorm(
                checkpoint.parameter(path + ".weight", width), plan.eps(), plan.gainOffset());
    }

    private Attention attention(int layer, String path) {
        AttentionShape shape = architecture.attention();
        boolean whole = shape.norm() == QueryKeyNorm.WHOLE;
        boolean normed = shape.norm() != QueryKeyNorm.NONE;
        int queryNorm = whole ? shape.queryWidth() : shape.headWidth();
        int keyNorm = whole ? shape.keyWidth() : shape.headWidth();
        var projections =
                new Attention.Projections(
                        queryKeyValue(path),
                        linear(
                                path + (gpt2 ? "c_proj" : "o_proj"),
                                architecture.size().width(),
                                shape.queryWidth(),
                                shape.bias() == Bias.ALL),
                        normed ? norm(path + "q_norm", queryNorm) : null,
                        normed ? norm(path + "k_norm", keyNorm) : null);
        Architecture.Positions positions = architecture.positions();
        var place =
                new Attention.Place(
                        layer,
                        positions.windows_L().get(layer),
                        positions.rotaries().isEmpty()
                                ? Attention.NO_ROTARY
                                : positions.rotaryOf_L().get(layer));
        return new Attention(shape, projections, place);
    }

    private Branches queryKeyValue(String path) {
        AttentionShape shape = architecture.attention();
        int width = architecture.size().width();
        int query = shape.queryWidth();
        int key = shape.keyWidth();
        boolean bias = shape.bias() != Bias.NONE;
        return switch (architecture.layout()) {
            case LLAMA, MIXTRAL ->
                    Branches.of(
                            linear(path + "q_proj", query, width, bias),
                            linear(path + "k_proj", key, width, bias),
                            linear(path + "v_proj", key, width, bias));
            case PHI3, GPT2 ->
                    new Branches.Fused(
                            linear(
                                    path + (gpt2 ? "c_attn" : "qkv_proj"),
                                    query + 2L * key,
                                    width,
                                    bias),
                            List.of(query, key, key));
        };
    }

    private Mlp mlp(int layer, String path) {
        Optional<Architecture.Experts> experts = architecture.mlp().expertsOf(layer);
        return experts.isEmpty() ? mlp(path + "mlp.") : mixture(layer, path, experts.get());
    }

    private Mlp mixture(int layer, String path, Architecture.Experts plan) {
        int width = architecture.size().width();
        boolean mixtral = architecture.layout() == Layout.MIXTRAL;
        String inside = path + (mixtral ? "block_sparse_moe." : "mlp.");
        List<GatedMlp> experts = new ArrayList<>();
        for (int e = 0; e < plan.count(); e++) {
            String expert = inside + "experts.%d.".formatted(e);
            experts.add(
                    new GatedMlp(
                            linear(expert + (mixtral ? "w1" : "gate_proj"), plan.width(), width),
                            linear(expert + (mixtral ? "w3" : "up_proj"), plan.width(), width),
                            linear(expert + (mixtral ? "w2" : "down_proj"), width, plan.width()),
                            architecture.mlp().activation()));
        }
        // Routers stay as they are: their few values decide everything behind them.
        Linear router =
                new Linear(
                        inside + "gate",
                        new Weight.Dense(
                                checkpoint.parameter(inside + "gate.weight", plan.count(), width)),
                        null);
        return new MixtureMlp(
                router,
                experts,
                new MixtureMlp.Choice(layer, plan.chosen(), plan.normalised(), routing));
    }

    private Linear linear(String path, long outputs, long inputs) {
        return linear(path, outputs, inputs, false);
    }

    private Mlp mlp(String path) {
        int width = architecture.size().width();
        int inner = architecture.mlp().width();
        boolean bias = architecture.mlp().bias();
        return switch (architecture.layout()) {
            case LLAMA, MIXTRAL ->
                    new GatedMlp(
                            linear(path + "gate_proj", inner, width, bias),
                            linear(path + "up_proj", inner, width, bias),
                            linear(path + "down_proj", width, inner, bias),
                            architecture.mlp().activation());
            case PHI3 ->
                    new GatedMlp(
                            new Branches.Fused(
                                    linear(path + "gate_up_proj", 2L * inner, width, bias),
                                    List.of(inner, inner)),
                            linear(path + "down_proj", width, inner, bias),
                            architecture.mlp().activation());
            case GPT2 ->
                    new PlainMlp(
                            linear(path + "c_fc", inner, width, bias),
                            linear(path + "c_proj", width, inner, bias),
                            architecture.mlp().activation());
        };
    }

    private Linear linear(String path, long outputs, long inputs, boolean bias) {
        Weight weight =
                gpt2
                        ? new Weight.Transposed(
                                checkpoint.parameter(path + ".weight", inputs, outputs))
                        : checkpoint.matrix(path, outputs, inputs);
        return new Linear(
                path, weight, bias ? checkpoint.parameter(path + ".bias", outputs) : null);
    }
}
