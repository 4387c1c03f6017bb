package dev.tunesmith.engine.optim;

import dev.tunesmith.contracts.optim.OptimizerKind;
import dev.tunesmith.contracts.optim.OptimizerSpec;
import dev.tunesmith.engine.nn.Parameter;
import dev.tunesmith.engine.tensor.DType;
import dev.tunesmith.engine.tensor.Region;
import java.util.List;
import java.util.Locale;

/// The optimizer that a job asks for, with what it has to know of the model.
///
/// @param decay of whatever is not a bias or a norm
/// @param limits of gradients
/// @param inBackward whether layers may be changed as soon as their gradient is there
/// @param compute type of the model's products
/// @param headRows rows of one head in the matrices of queries and keys
public record OptimizerChoice(
        OptimizerSpec spec,
        double decay,
        Optimizer.Limits limits,
        DType compute,
        int headRows,
        long seed,
        boolean inBackward) {

    /// Gradients are collected before anything changes, and limited by their norm only.
    public OptimizerChoice(
            OptimizerSpec spec,
            double decay,
            double normMax,
            DType compute,
            int headRows,
            long seed) {
        this(spec, decay, new Optimizer.Limits(normMax, 0), compute, headRows, seed, false);
    }

    /// Whether bf16 weights get fp32 masters.
    public boolean masters() {
        return spec.kind().masters();
    }

    /// Whether parameters are told to train by the optimizer itself, one block after another.
    public boolean choosesParameters() {
        return spec.kind() == OptimizerKind.BADAM;
    }

    /// The optimizer of these groups, with its state in `region`.
    public Optimizer start(List<ParameterGroup> groups, Region region) {
        if (inBackward && spec.kind().stepsInBackward()) {
            return new LayerwiseOptimizer(groups, rule(), limits, region);
        }
        if (!choosesParameters()) {
            return new TensorOptimizer(groups, rule(), limits, region);
        }
        List<Parameter> parameters =
                groups.stream().flatMap(group -> group.parameters().stream()).toList();
        var plan =
                new BlockOptimizer.Plan(
                        adam(),
                        BlockOptimizer.Order.valueOf(
                                spec.word("switch_mode").toUpperCase(Locale.ROOT)),
                        spec.whole("switch_every"),
                        spec.whole("start_block"),
                        0,
                        decay,
                        limits.norm(),
                        seed);
        return new BlockOptimizer(BlockOptimizer.layers(parameters), plan);
    }

    private Rule rule() {
        return switch (spec.kind()) {
            case ADAMW, BADAM -> adam();
            case ADAMW_BF16 -> new Rule.RoundedAdamW(adam());
            case ADAMW_8BIT -> new Rule.EightBitAdamW(adam());
            case ADAFACTOR ->
                    new Rule.Adafactor(
                            spec.number("epsilon"),
                            spec.number("scale_epsilon"),
                            spec.number("clip_threshold"),
                            spec.number("decay_rate"),
                            spec.number("beta1"),
                            spec.flag("scale_parameter"),
                            spec.flag("relative_step"),
                            spec.flag("warmup_init"));
            case LION -> new Rule.Lion(spec.number("beta1"), spec.number("beta2"));
            case SGD ->
                    new Rule.Sgd(
                            spec.number("momentum"),
                            spec.number("dampening"),
                            spec.flag("nesterov"),
                            Double.POSITIVE_INFINITY,
                            true);
            case MUON ->
                    new Rule.Muon(
                            spec.number("momentum"),
                            spec.flag("nesterov"),
                            spec.whole("ns_steps"),
                            spec.word("adjust").equals("match_rms_adamw"),
                            compute,
                            adam());
            case GALORE -> new Rule.GaLore(followed(), spec.number("scale"), adam());
            case APOLLO ->
                    new Rule.Apollo(
                            drawn(),
                            spec.number("scale"),
                            spec.word("scale_type").equals("tensor"),
                            spec.flag("scale_front"),
                            spec.flag("norm_limit"),
                            adam());
            case LOMO -> {
                double limit = spec.number("clip_grad_value");
                yield new Rule.Sgd(
                        0, 0, false, limit > 0 ? limit : Double.POSITIVE_INFINITY, false);
            }
            case ADALOMO ->
                    new Rule.Adafactor(
                            1e-30,
                            1e-3,
                            spec.number("clip_threshold"),
                            spec.number("decay_rate"),
                            0,
                            true,
                            false,
                            false);
            case ADAM_MINI -> new Rule.AdamMini(adam(), headRows);
            case SCHEDULE_FREE ->
                    new Rule.ScheduleFree(adam(), spec.number("r"), spec.number("weight_lr_power"));
        };
    }

    /// Directions that follow the gradient.
    private Subspace.Plan followed() {
        return new Subspace.Plan(
                spec.whole("rank"),
                spec.whole("update_proj_gap"),
                Subspace.Side.valueOf(spec.word("proj_type").toUpperCase(Locale.ROOT)),
                Subspace::singular);
    }

    /// Directions by chance.
    private Subspace.Plan drawn() {
        return new Subspace.Plan(
                spec.whole("rank"),
                spec.whole("update_proj_gap"),
                Subspace.Side.STD,
                Subspace.random(seed));
    }

    private Rule.AdamW adam() {
        return new Rule.AdamW(
                spec.number("beta1"),
                spec.number("beta2"),
                spec.number("epsilon"),
                spec.kind() == OptimizerKind.ADAMW && spec.flag("amsgrad"),
                spec.kind() == OptimizerKind.GALORE || spec.kind() == OptimizerKind.APOLLO);
    }
}
