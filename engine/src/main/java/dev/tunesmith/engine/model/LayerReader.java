package dev.tunesmith.engine.model;

import dev.tunesmith.engine.model.Architecture.NormPlan;
import dev.tunesmith.engine.model.Architecture.NormPlan.Placement;
import dev.tunesmith.engine.model.Layout.Joining;
import dev.tunesmith.engine.model.Layout.Part;
import dev.tunesmith.engine.nn.Activation;
import dev.tunesmith.engine.nn.Attention;
import dev.tunesmith.engine.nn.AttentionShape;
import dev.tunesmith.engine.nn.AttentionShape.Bias;
import dev.tunesmith.engine.nn.Block;
import dev.tunesmith.engine.nn.Branches;
import dev.tunesmith.engine.nn.GatedMlp;
import dev.tunesmith.engine.nn.HeadNorms;
import dev.tunesmith.engine.nn.LatentBranches;
import dev.tunesmith.engine.nn.LayerNorm;
import dev.tunesmith.engine.nn.Linear;
import dev.tunesmith.engine.nn.MixtureMlp;
import dev.tunesmith.engine.nn.Mlp;
import dev.tunesmith.engine.nn.Norm;
import dev.tunesmith.engine.nn.Parameter;
import dev.tunesmith.engine.nn.PlainMlp;
import dev.tunesmith.engine.nn.RmsNorm;
import dev.tunesmith.engine.nn.Routing;
import dev.tunesmith.engine.nn.SharedMlp;
import dev.tunesmith.engine.nn.Weight;
import dev.tunesmith.engine.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// Builds layers from the tensors of a checkpoint.
final class LayerReader {

    private static final double LATENT_EPS = 1e-6;
    private static final double XIELU_BETA = 0.5;
    private static final double XIELU_LIMIT = -1e-6;

    private final Architecture architecture;
    private final Layout layout;
    private final Checkpoint checkpoint;
    private final Routing routing;
    private final @Nullable Tensor slopes_H;

    LayerReader(Architecture architecture, Checkpoint checkpoint) {
        this.architecture = architecture;
        this.layout = architecture.layout();
        this.checkpoint = checkpoint;
        Architecture.Experts experts = architecture.mlp().experts();
        this.routing = new Routing(experts == null ? 0 : experts.count());
        List<Double> slopes_H = architecture.positions().slopes_H();
        this.slopes_H = slopes_H.isEmpty() ? null : checkpoint.constant(slopes_H);
    }

    /// What notes the choices of all routers.
    Routing routing() {
        return routing;
    }

    /// Accepts layers behind the last one, which some checkpoints hold to guess several tokens.
    void skipGuessing() {
        String first = layout.name(Part.LAYER).formatted(architecture.size().layers());
        if (architecture.family().equals("deepseek_v3")) {
            checkpoint.skipBelow(first);
        }
    }

    /// The norm of embeddings, if there is one.
    Optional<Norm> embeddingNorm() {
        return architecture.edges().embeddingNorm()
                ? Optional.of(norm(layout.name(Part.EMBEDDING_NORM), width()))
                : Optional.empty();
    }

    /// The norm after the last block.
    Norm lastNorm() {
        return norm(layout.name(Part.LAST_NORM), width());
    }

    private int width() {
        return architecture.size().width();
    }

    Block block(int layer) {
        String path = layout.name(Part.LAYER).formatted(layer);
        Placement placement = architecture.norms().placement();
        return new Block(
                norms(path, placement),
                attention(layer, path),
                mlp(layer, path),
                placement == Placement.PARALLEL || placement == Placement.PARALLEL_EACH,
                architecture.edges().residualFactor());
    }

    private Block.Norms norms(String path, Placement placement) {
        boolean in = placement != Placement.AFTER;
        boolean out = placement == Placement.AFTER || placement == Placement.AROUND;
        return new Block.Norms(
                norm(path, Part.ATTENTION_IN, in),
                norm(path, Part.ATTENTION_OUT, out),
                norm(path, Part.MLP_IN, in && placement != Placement.PARALLEL),
                norm(path, Part.MLP_OUT, out));
    }

    private @Nullable Norm norm(String path, Part part, boolean there) {
        return there ? norm(path + layout.name(part), width()) : null;
    }

    /// A norm of the model's kind.
    Norm norm(String path, long width) {
        NormPlan plan = architecture.norms();
        return switch (plan.kind()) {
            case RMS ->
                    new RmsNorm(
                            checkpoint.parameter(path + ".weight", width),
                            plan.eps(),
                            plan.gainOffset());
            case CENTRED ->
                    new LayerNorm(
                            checkpoint.parameter(path + ".weight", width),
                            checkpoint.parameter(path + ".bias", width),
                            plan.eps(),
                            plan.gainOffset());
            case CENTRED_GAIN ->
                    new LayerNorm(checkpoint.parameter(path + ".weight", width), null, plan.eps());
            case CENTRED_BARE -> new LayerNorm(checkpoint.ones(path, width), null, plan.eps());
        };
    }

    private Attention attention(int layer, String path) {
        AttentionShape shape = architecture.attention();
        var projections =
                new Attention.Projections(
                        queryKeyValue(path),
                        linear(
                                path + layout.name(Part.OUTPUT),
                                width(),
                                (long) shape.heads() * shape.valueWidth(),
                                shape.bias() == Bias.ALL),
                        queryKeyNorm(path + layout.name(Part.QUERY_NORM), shape.heads()),
                        queryKeyNorm(path + layout.name(Part.KEY_NORM), shape.kvHeads()));
        Architecture.Positions positions = architecture.positions();
        var place =
                new Attention.Place(
                        layer,
                        positions.windows_L().get(layer),
                        positions.rotaryOf_L().get(layer),
                        slopes_H,
                        layout.names(Part.SINKS)
                                ? checkpoint.parameter(
                                        path + layout.name(Part.SINKS), shape.heads())
                                : null);
        return new Attention(shape, projections, place);
    }

    private @Nullable Norm queryKeyNorm(String path, int heads) {
        int headWidth = architecture.attention().headWidth();
        return switch (architecture.attention().norm()) {
            case NONE -> null;
            case PER_HEAD, PER_TURNED_HEAD -> norm(path, headWidth);
            case WHOLE -> norm(path, (long) heads * headWidth);
            case EACH_HEAD ->
                    new HeadNorms(headGains(path, heads), heads, architecture.norms().eps());
        };
    }

    /// A tensor for each head where the name counts heads, else one for all.
    private List<Parameter> headGains(String path, int heads) {
        int headWidth = architecture.attention().headWidth();
        if (!path.contains("%d")) {
            return List.of(checkpoint.parameter(path + ".weight", heads, headWidth));
        }
        List<Parameter> gains = new ArrayList<>();
        for (int h = 0; h < heads; h++) {
            gains.add(checkpoint.parameter(path.formatted(h) + ".weight", headWidth));
        }
        return gains;
    }

    private Branches queryKeyValue(String path) {
        AttentionShape shape = architecture.attention();
        int query = shape.queryWidth();
        int key = shape.keyWidth();
        boolean bias = shape.bias() != Bias.NONE;
        AttentionShape.Latent latent = shape.latent();
        if (latent != null) {
            return latent(path + "self_attn.", shape, latent);
        }
        if (layout.queryKeyValue() == Joining.SEPARATE) {
            return Branches.of(
                    linear(path + layout.name(Part.QUERY), query, width(), bias),
                    linear(path + layout.name(Part.KEY), key, width(), bias),
                    linear(path + layout.name(Part.VALUE), key, width(), bias));
        }
        Linear joined =
                linear(path + layout.name(Part.QUERY_KEY_VALUE), query + 2L * key, width(), bias);
        if (layout.queryKeyValue() == Joining.SIDE_BY_SIDE) {
            return Branches.Fused.sideBySide(joined, List.of(query, key, key));
        }
        int groups = shape.kvHeads();
        return Branches.Fused.grouped(
                joined, groups, List.of(query / groups, shape.headWidth(), shape.headWidth()));
    }

    private Branches latent(String path, AttentionShape shape, AttentionShape.Latent latent) {
        int heads = shape.heads();
        boolean bias = shape.bias() == Bias.ALL;
        int queryRank = latent.queryRank();
        boolean narrow = queryRank > 0;
        return new LatentBranches(
                narrow ? linear(path + "q_a_proj", queryRank, width(), bias) : null,
                narrow ? latentNorm(path + "q_a_layernorm", queryRank) : null,
                linear(
                        path + (narrow ? "q_b_proj" : "q_proj"),
                        (long) heads * (latent.plain() + latent.turning()),
                        narrow ? queryRank : width(),
                        false),
                linear(
                        path + "kv_a_proj_with_mqa",
                        (long) latent.keyRank() + latent.turning(),
                        width(),
                        bias),
                latentNorm(path + "kv_a_layernorm", latent.keyRank()),
                linear(
                        path + "kv_b_proj",
                        (long) heads * (latent.plain() + latent.value()),
                        latent.keyRank(),
                        false),
                shape);
    }

    /// Norms of latent rows have an eps of their own.
    private Norm latentNorm(String path, long width) {
        return new RmsNorm(checkpoint.parameter(path + ".weight", width), LATENT_EPS, 0);
    }

    private Mlp mlp(int layer, String path) {
        Optional<Architecture.Experts> experts = architecture.mlp().expertsOf(layer);
        return experts.isEmpty() ? mlp(path) : mixture(layer, path, experts.get());
    }

    private Mlp mixture(int layer, String path, Architecture.Experts plan) {
        MixtureMlp mixture =
                new MixtureMlp(
                        router(path + layout.name(Part.ROUTER), plan),
                        experts(path, plan),
                        new MixtureMlp.Choice(
                                layer,
                                plan.scoring(),
                                routing,
                                plan.scoring().corrected() ? correction(path, plan) : null));
        if (plan.shared().isEmpty()) {
            return mixture;
        }
        Architecture.Shared shared = plan.shared().get();
        return new SharedMlp(
                mixture,
                expert(path + layout.name(Part.SHARED), shared.width(), architecture.mlp().bias()),
                shared.gated() ? plainLinear(path + layout.name(Part.SHARED_GATE), 1) : null);
    }

    private Linear router(String path, Architecture.Experts plan) {
        Linear router = plainLinear(path, plan.count());
        if (plan.clamp().isPresent()) {
            router.useBias(checkpoint.parameter(path + ".bias", plan.count()));
        }
        return router;
    }

    private List<GatedMlp> experts(String path, Architecture.Experts plan) {
        if (plan.clamp().isPresent()) {
            return clampedExperts(path, plan, plan.clamp().get());
        }
        if (layout.names(Part.EXPERTS_GATE_UP)) {
            return joinedExperts(path, plan);
        }
        List<GatedMlp> experts = new ArrayList<>();
        for (int e = 0; e < plan.count(); e++) {
            experts.add(expert(path + layout.name(Part.EXPERT).formatted(e), plan.width(), false));
        }
        return experts;
    }

    /// Experts whose matrices are rows of one tensor: gate and up of the first, of the next, and so
    /// on.
    private List<GatedMlp> joinedExperts(String path, Architecture.Experts plan) {
        long inner = plan.width();
        String in = path + layout.name(Part.EXPERTS_GATE_UP);
        String out = path + layout.name(Part.EXPERTS_DOWN);
        Parameter gateUp = joinedExperts(in, plan.count(), 2 * inner, width());
        Parameter down = joinedExperts(out, plan.count(), width(), inner);
        List<GatedMlp> experts = new ArrayList<>();
        for (int e = 0; e < plan.count(); e++) {
            String number = ".%d".formatted(e);
            experts.add(
                    new GatedMlp(
                            Branches.Fused.sideBySide(
                                    part(in + number, gateUp, e, 2 * inner),
                                    List.of(plan.width(), plan.width())),
                            part(out + number, down, e, width()),
                            architecture.mlp().activation()));
        }
        return experts;
    }

    private Parameter joinedExperts(String path, long count, long rows, long columns) {
        return checkpoint.folded(path, new long[] {count, rows, columns}, count * rows, columns);
    }

    private static Linear part(String path, Parameter whole, long number, long rows) {
        return new Linear(
                path.replace(".weight.", "."), new Weight.Dense(rowsOf(whole, number, rows)), null);
    }

    /// Experts with biases, whose matrices lie as [inputs, outputs] in one tensor, or as codes the
    /// other way round.
    private List<GatedMlp> clampedExperts(
            String path, Architecture.Experts plan, GatedMlp.Clamp clamp) {
        String in = path + layout.name(Part.EXPERTS_GATE_UP);
        String out = path + layout.name(Part.EXPERTS_DOWN);
        List<Linear> gateUps = biasedExperts(in, plan.count(), 2L * plan.width(), width());
        List<Linear> downs = biasedExperts(out, plan.count(), width(), plan.width());
        List<GatedMlp> experts = new ArrayList<>();
        for (int e = 0; e < plan.count(); e++) {
            experts.add(
                    new GatedMlp(
                            Branches.of(gateUps.get(e)),
                            downs.get(e),
                            architecture.mlp().activation(),
                            clamp));
        }
        return experts;
    }

    private List<Linear> biasedExperts(String path, int count, long outputs, long inputs) {
        List<Weight> weights = new ArrayList<>();
        for (int e = 0; e < count; e++) {
            checkpoint.coded(path + "." + e, outputs, inputs).ifPresent(weights::add);
        }
        if (weights.isEmpty()) {
            Parameter whole = joinedExperts(path, count, inputs, outputs);
            for (int e = 0; e < count; e++) {
                weights.add(new Weight.Transposed(rowsOf(whole, e, inputs)));
            }
        }
        Parameter biases = checkpoint.parameter(path + "_bias", count, outputs);
        List<Linear> linears = new ArrayList<>();
        for (int e = 0; e < count; e++) {
            linears.add(new Linear(path + "." + e, weights.get(e), rowsOf(biases, e, 1)));
        }
        return linears;
    }

    /// Rows of a parameter, or all of it where it was not found.
    private static Parameter rowsOf(Parameter whole, long number, long rows) {
        return whole.value().size(0) >= (number + 1) * rows
                ? whole.rows(number * rows, (number + 1) * rows)
                : whole;
    }

    /// Follows from how often experts were chosen, not from a gradient.
    private Parameter correction(String path, Architecture.Experts plan) {
        Parameter correction = checkpoint.flat(path + layout.name(Part.CORRECTION), plan.count());
        correction.fix();
        return correction;
    }

    private GatedMlp expert(String path, long inner, boolean bias) {
        return new GatedMlp(
                linear(path + layout.name(Part.EXPERT_GATE), inner, width(), bias),
                linear(path + layout.name(Part.EXPERT_UP), inner, width(), bias),
                linear(path + layout.name(Part.EXPERT_DOWN), width(), inner, bias),
                architecture.mlp().activation());
    }

    /// A layer that is never quantised: the few values of routers decide everything behind them.
    private Linear plainLinear(String path, long outputs) {
        return new Linear(
                path,
                new Weight.Dense(checkpoint.parameter(path + ".weight", outputs, width())),
                null);
    }

    private Mlp mlp(String path) {
        Architecture.Mlp plan = architecture.mlp();
        int inner = plan.width();
        Linear down = linear(path + layout.name(Part.DOWN), width(), inner, plan.bias());
        if (layout.gateUpJoined()) {
            Linear joined =
                    linear(path + layout.name(Part.GATE_UP), 2L * inner, width(), plan.bias());
            return new GatedMlp(
                    Branches.Fused.sideBySide(joined, List.of(inner, inner)),
                    down,
                    plan.activation());
        }
        Linear up = linear(path + layout.name(Part.UP), inner, width(), plan.bias());
        if (!plan.gated()) {
            return new PlainMlp(
                    up,
                    down,
                    plan.activation(),
                    plan.activation() == Activation.XIELU
                            ? learned(path + layout.name(Part.NONLINEARITY))
                            : null);
        }
        Linear gate = linear(path + layout.name(Part.GATE), inner, width(), plan.bias());
        return new GatedMlp(gate, up, down, plan.activation());
    }

    private PlainMlp.Learned learned(String path) {
        return new PlainMlp.Learned(
                checkpoint.parameter(path + ".alpha_p", 1),
                checkpoint.parameter(path + ".alpha_n", 1),
                checkpoint.number(path + ".beta", XIELU_BETA),
                checkpoint.number(path + ".eps", XIELU_LIMIT));
    }

    private Linear linear(String path, long outputs, long inputs, boolean bias) {
        Weight weight =
                layout.transposed()
                        ? new Weight.Transposed(
                                checkpoint.parameter(path + ".weight", inputs, outputs))
                        : checkpoint.matrix(path, outputs, inputs);
        return new Linear(
                path, weight, bias ? checkpoint.parameter(path + ".bias", outputs) : null);
    }
}
