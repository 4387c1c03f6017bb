package dev.tunesmith.contracts.optim;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;
import dev.tunesmith.contracts.optim.Setting.Flag;
import dev.tunesmith.contracts.optim.Setting.Real;
import dev.tunesmith.contracts.optim.Setting.Whole;
import dev.tunesmith.contracts.optim.Setting.Word;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/// The optimizers that a job can ask for; the wire form is `x_training.optimizer`.
public enum OptimizerKind {
    /// AdamW (arXiv 1711.05101) with fp32 masters and moments.
    ADAMW(betas(0.999), List.of(new Flag("amsgrad", false))),
    /// AdamW on bf16 weights and moments without masters; every store rounds at random so that
    /// small changes survive on average.
    ADAMW_BF16(betas(0.999), List.of()),
    /// AdamW with blockwise 8-bit moments (arXiv 2110.02861).
    ADAMW_8BIT(betas(0.999), List.of()),
    /// Adafactor (arXiv 1804.04235): one number a row and a column instead of one a weight.
    ADAFACTOR(
            List.of(
                    new Real("epsilon", 1e-30, 0, 1, false),
                    new Real("scale_epsilon", 1e-3, 0, 1, false),
                    new Real("clip_threshold", 1, 1e-6, 1e6, false),
                    new Real("decay_rate", -0.8, -1, 0, true),
                    new Real("beta1", 0, 0, 1, true)),
            List.of(
                    new Flag("scale_parameter", false),
                    new Flag("relative_step", false),
                    new Flag("warmup_init", false))),
    /// Lion (arXiv 2302.06675): the sign of an average.
    LION(List.of(beta("beta1", 0.9), beta("beta2", 0.99)), List.of()),
    SGD(
            List.of(new Real("momentum", 0.9, 0, 1, true), new Real("dampening", 0, 0, 1, false)),
            List.of(new Flag("nesterov", false))),
    /// Muon: orthogonalised momentum for the matrices inside the layers, AdamW for the rest.
    MUON(
            List.of(
                    new Real("momentum", 0.95, 0, 1, true),
                    new Flag("nesterov", true),
                    new Whole("ns_steps", 5, 1, 20),
                    new Word("adjust", List.of("match_rms_adamw", "original"))),
            betas(0.999)),
    /// GaLore (arXiv 2403.03507): Adam in a subspace that follows the gradient.
    GALORE(
            List.of(
                    new Whole("rank", 16, 1, 65_536),
                    new Whole("update_proj_gap", 200, 1, 1_000_000),
                    new Real("scale", 2, 1e-6, 1e6, false),
                    new Word("proj_type", List.of("std", "reverse_std", "right", "left"))),
            betas(0.999)),
    /// APOLLO (arXiv 2412.05270): scales learned in a random subspace.
    APOLLO(
            List.of(
                    new Whole("rank", 16, 1, 65_536),
                    new Whole("update_proj_gap", 200, 1, 1_000_000),
                    new Real("scale", 32, 1e-6, 1e6, false),
                    new Word("scale_type", List.of("channel", "tensor")),
                    new Flag("scale_front", false),
                    new Flag("norm_limit", true)),
            betas(0.999)),
    /// BAdam (arXiv 2404.02827): one layer after another.
    BADAM(
            List.of(
                    new Word("switch_mode", List.of("ascending", "descending", "random", "fixed")),
                    new Whole("switch_every", 50, 1, 100_000_000),
                    new Whole("start_block", -1, -1, 100_000)),
            betas(0.999)),
    /// LOMO (arXiv 2306.09782): plain descent without state and without masters.
    LOMO(List.of(new Real("clip_grad_value", 0, 0, 1e6, false)), List.of()),
    /// AdaLomo (arXiv 2310.10195): a factored second moment, without masters.
    ADALOMO(
            List.of(
                    new Real("clip_threshold", 1, 1e-6, 1e6, false),
                    new Real("decay_rate", -0.8, -1, 0, true)),
            List.of()),
    /// Adam-mini (arXiv 2406.16793): one second moment a head or a row.
    ADAM_MINI(betas(0.999), List.of()),
    /// Schedule-free AdamW (arXiv 2405.15682): the average of the path instead of a falling rate.
    SCHEDULE_FREE(
            betas(0.999),
            List.of(
                    new Real("r", 0, 0, 100, false),
                    new Real("weight_lr_power", 2, 0, 100, false)));

    // Of immutable records.
    @SuppressWarnings("ImmutableEnumChecker")
    private final List<Setting> settings;

    OptimizerKind(List<? extends Setting> first, List<? extends Setting> then) {
        var all = new ArrayList<Setting>(first);
        all.addAll(then);
        this.settings = List.copyOf(all);
    }

    private static Real beta(String key, double usual) {
        return new Real(key, usual, 0, 1, true);
    }

    private static List<Setting> betas(double second) {
        return List.of(
                beta("beta1", 0.9), beta("beta2", second), new Real("epsilon", 1e-8, 0, 1, false));
    }

    @JsonCreator
    public static OptimizerKind of(String wire) {
        return valueOf(wire.toUpperCase(Locale.ROOT));
    }

    @JsonValue
    public String wire() {
        return name().toLowerCase(Locale.ROOT);
    }

    /// Everything that can be said about it.
    public List<Setting> settings() {
        return settings;
    }

    /// The setting of that name.
    public Optional<Setting> setting(String key) {
        return settings.stream().filter(setting -> setting.key().equals(key)).findFirst();
    }

    /// Whether it changes weights that an adapter has: those of a subspace or of a block of layers
    /// are for whole models.
    public boolean takesAdapters() {
        return switch (this) {
            case GALORE, APOLLO, BADAM -> false;
            case ADAMW,
                    ADAMW_BF16,
                    ADAMW_8BIT,
                    ADAFACTOR,
                    LION,
                    SGD,
                    MUON,
                    LOMO,
                    ADALOMO,
                    ADAM_MINI,
                    SCHEDULE_FREE ->
                    true;
        };
    }

    /// Whether it can change a layer as soon as the layer's gradient is there, so that gradients of
    /// one layer live at a time.
    public boolean stepsInBackward() {
        return this == LOMO || this == ADALOMO;
    }

    /// Whether bf16 weights keep an fp32 copy that is what is changed.
    public boolean masters() {
        return this != ADAMW_BF16 && this != LOMO && this != ADALOMO;
    }
}
