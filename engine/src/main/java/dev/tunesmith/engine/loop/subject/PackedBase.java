package dev.tunesmith.engine.loop.subject;

import dev.tunesmith.contracts.job.AdapterSpec;
import dev.tunesmith.contracts.job.ResolvedSpec;
import dev.tunesmith.contracts.method.AdapterKind;
import dev.tunesmith.engine.io.ModelDirectory;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/// What cannot be done with a base whose matrices are stored as codes.
public final class PackedBase {

    private static final String OTHERWISE =
            "use adapter lora, dora or vera, or the model that it was quantised from";

    private PackedBase() {}

    /// Refuses a job that asks codes for what they cannot do.
    ///
    /// @throws SpecRefusedException naming the method, the base's form and what to do
    public static void check(ResolvedSpec spec, ModelDirectory base) {
        if (!(base.config().get("quantization_config") instanceof Map<?, ?> form)) {
            return;
        }
        String method = String.valueOf(form.get("quant_method"));
        String codes = "the base %s is stored as codes (%s)".formatted(spec.model(), method);
        AdapterKind kind = spec.adapter().kind();
        List<String> reasons = new ArrayList<>();
        switch (kind) {
            case NONE, FREEZE, LLAMA_PRO, SPECTRUM ->
                    reasons.add(codes + ", which have no gradient; " + OTHERWISE);
            case PISSA, OLORA ->
                    reasons.add(
                            "%s, which cannot hold what is left of the weights once the factors have their part; %s"
                                    .formatted(codes, OTHERWISE));
            case LOFTQ ->
                    reasons.add(
                            "%s, so that nobody knows what quantisation has lost; %s"
                                    .formatted(codes, OTHERWISE));
            case LORA,
                    QLORA,
                    DORA,
                    ADALORA,
                    VERA,
                    IA3,
                    OFT,
                    BOFT,
                    PROMPT_TUNING,
                    P_TUNING,
                    PREFIX_TUNING -> {
                // Beside codes as beside any weights.
            }
        }
        if (kind != AdapterKind.LOFTQ
                && spec.adapter() instanceof AdapterSpec.Lora lora
                && lora.frozen() != null) {
            reasons.add(
                    "%s already; leave out quantization (adapter lora trains beside them)"
                            .formatted(codes));
        }
        if (spec.adapter().merges()) {
            reasons.add(
                    "export merged: %s, which an adapter cannot be added to; export the adapter, and merge it with the model that the base was quantised from"
                            .formatted(codes));
        }
        if (!reasons.isEmpty()) {
            throw new SpecRefusedException("adapter " + kind.wire(), reasons);
        }
    }
}
