package dev.tunesmith.bench.optim;

import dev.tunesmith.bench.golden.GoldenCase;
import dev.tunesmith.bench.golden.GoldenTensors;
import dev.tunesmith.engine.optim.Rule;
import dev.tunesmith.engine.optim.Subspace;
import dev.tunesmith.engine.tensor.DType;
import java.util.List;
import java.util.Locale;

/// The rule of a case by its `hyper` parameters, in the names and with the defaults of the
/// packages.
///
/// @param precision of Muon's iteration
record GoldenRule(GoldenCase golden, StepCases.Library kind, DType precision) {

    Rule rule() {
        return switch (kind) {
            case ADAMW, MASTER, BADAM -> adam(golden, false);
            case OLDER -> adam(golden, true);
            case EIGHT_BIT -> new Rule.EightBitAdamW(adam(golden, false));
            case SGD ->
                    new Rule.Sgd(
                            number("momentum", 0),
                            number("dampening", 0),
                            flag("nesterov"),
                            Double.POSITIVE_INFINITY,
                            true);
            case LION -> new Rule.Lion(beta(0, 0.9), beta(1, 0.99));
            case ADAFACTOR -> adafactor();
            case ADALOMO ->
                    new Rule.Adafactor(
                            1e-30,
                            1e-3,
                            number("clip_threshold", 1),
                            number("decay_rate", -0.8),
                            0,
                            true,
                            false,
                            false);
            case LOMO ->
                    new Rule.Sgd(
                            0,
                            0,
                            false,
                            number("clip_grad_value", Double.POSITIVE_INFINITY),
                            false);
            case MUON ->
                    new Rule.Muon(
                            number("momentum", 0.95),
                            !Boolean.FALSE.equals(golden.find("hyper.nesterov")),
                            (int) number("ns_steps", 5),
                            golden.text("hyper.adjust", "original").equals("match_rms_adamw"),
                            precision,
                            adam(golden, false));
            case GALORE ->
                    new Rule.GaLore(
                            subspace(golden.text("hyper.proj_type", "std")),
                            number("scale", 1),
                            adam(golden, true));
            case APOLLO ->
                    new Rule.Apollo(
                            subspace("std"),
                            number("scale", 1),
                            golden.text("hyper.scale_type", "channel").equals("tensor"),
                            flag("scale_front"),
                            !flag("disable_nl"),
                            adam(golden, true));
            case MINI ->
                    new Rule.AdamMini(
                            adam(golden, false),
                            (int) (number("dim", 1) / Math.max(1, number("n_heads", 1))));
            case FREE ->
                    new Rule.ScheduleFree(
                            adam(golden, false), number("r", 0), number("weight_lr_power", 2));
        };
    }

    static Rule.AdamW adam(GoldenCase golden, boolean older) {
        List<?> betas = golden.list("hyper.betas");
        return new Rule.AdamW(
                betas.isEmpty() ? 0.9 : ((Number) betas.get(0)).doubleValue(),
                betas.isEmpty() ? 0.999 : ((Number) betas.get(1)).doubleValue(),
                golden.number("hyper.eps", 1e-8),
                Boolean.TRUE.equals(golden.find("hyper.amsgrad")),
                older);
    }

    private Rule adafactor() {
        List<?> epsilons = golden.list("hyper.eps");
        return new Rule.Adafactor(
                epsilons.isEmpty() ? 1e-30 : ((Number) epsilons.get(0)).doubleValue(),
                epsilons.isEmpty() ? 1e-3 : ((Number) epsilons.get(1)).doubleValue(),
                number("clip_threshold", 1),
                number("decay_rate", -0.8),
                number("beta1", 0),
                flag("scale_parameter"),
                flag("relative_step"),
                flag("warmup_init"));
    }

    /// Directions are fed: their signs, or all of them, come from a generator.
    private Subspace.Plan subspace(String side) {
        GoldenTensors more = golden.tensors("more.safetensors").orElseThrow();
        return new Subspace.Plan(
                (int) number("rank", 1),
                (int) number("gap", 1),
                Subspace.Side.valueOf(side.toUpperCase(Locale.ROOT)),
                (ask, _, step) ->
                        more.floats("projector/%d/%s".formatted(step - 1, ask.name()))
                                .orElseThrow());
    }

    private double number(String key, double absent) {
        return golden.number("hyper." + key, absent);
    }

    private boolean flag(String key) {
        return Boolean.TRUE.equals(golden.find("hyper." + key));
    }

    private double beta(int at, double absent) {
        List<?> betas = golden.list("hyper.betas");
        return betas.size() > at ? ((Number) betas.get(at)).doubleValue() : absent;
    }
}
