package dev.tunesmith.contracts.care;

import dev.tunesmith.contracts.method.AdapterKind;
import dev.tunesmith.contracts.method.Method;
import dev.tunesmith.contracts.optim.OptimizerKind;
import java.util.Locale;

/// The learning rate of a job that names none.
///
/// @param reason what it follows from
public record UsualRate(double rate, String reason) {

    private static final double PARAMETERS_OF_BASE_RATE = 1e9;

    /// Rates for a model of 10⁹ parameters, larger for smaller ones by the fourth root of their
    /// ratio.
    public static UsualRate of(
            Method method, AdapterKind adapter, OptimizerKind optimizer, long parameters) {
        boolean lora = !adapter.weights();
        double base =
                switch (method) {
                    case SUPERVISED -> lora ? 2e-4 : 2e-5;
                    case PRETRAIN -> lora ? 2e-4 : 1e-4;
                    case PPO -> lora ? 2e-5 : 3e-6;
                    case GRPO, DR_GRPO, DAPO, GSPO, RLOO, REINFORCE_PLUS_PLUS, REINFORCEMENT ->
                            lora ? 1e-5 : 1e-6;
                    case DISTILL -> lora ? 2e-4 : 2e-5;
                    case REWARD_MODEL -> lora ? 1e-4 : 1e-5;
                    case ORPO, SIMPO, CPO, KTO -> lora ? 5e-6 : 1e-6;
                    case DPO -> lora ? 5e-6 : 1e-6;
                };
        double size = Math.pow(PARAMETERS_OF_BASE_RATE / Math.max(1, parameters), 0.25);
        double rate = base * Math.clamp(size, 0.25, 5) * pace(adapter) * pace(optimizer);
        double rounded = Double.parseDouble(String.format(Locale.ROOT, "%.1e", rate));
        return new UsualRate(
                rounded,
                "%s%s of a model with %d parameters"
                        .formatted(
                                optimizer == OptimizerKind.ADAMW
                                        ? ""
                                        : "optimizer %s, ".formatted(optimizer.wire()),
                                lora
                                        ? "adapter " + adapter.wire()
                                        : method == Method.PRETRAIN
                                                ? "pre-training"
                                                : "full tuning",
                                parameters));
    }

    /// Rates relative to those of AdamW: signs move every weight by the whole rate, descent without
    /// a second moment moves it by the gradient.
    private static double pace(OptimizerKind kind) {
        return switch (kind) {
            case ADAMW, ADAMW_BF16, ADAMW_8BIT, ADAFACTOR, MUON, GALORE, APOLLO, BADAM, ADAM_MINI ->
                    1;
            case LION -> 0.2;
            case SCHEDULE_FREE -> 2;
            case ADALOMO -> 10;
            case SGD, LOMO -> 100;
        };
    }

    /// How much faster than LoRA a kind is trained: few values have to move far, those that begin
    /// with parts of the weights must not.
    private static double pace(AdapterKind kind) {
        return switch (kind) {
            case NONE, FREEZE, LLAMA_PRO, SPECTRUM, LORA, QLORA, DORA, LOFTQ, OFT, BOFT -> 1;
            case PISSA, OLORA -> 0.1;
            case ADALORA -> 5;
            case VERA, IA3, P_TUNING, PREFIX_TUNING -> 10;
            case PROMPT_TUNING -> 50;
        };
    }
}
