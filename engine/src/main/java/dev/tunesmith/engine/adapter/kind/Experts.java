package dev.tunesmith.engine.adapter.kind;

import dev.tunesmith.engine.adapter.site.Form;
import dev.tunesmith.engine.adapter.site.Site;
import dev.tunesmith.engine.adapter.site.Start;
import dev.tunesmith.engine.nn.Linear;
import dev.tunesmith.engine.nn.Parameter;
import dev.tunesmith.engine.nn.change.LowRank;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Low-rank additions to weights that PEFT sees as one tensor: those of all experts of a mixture,
/// and that of its router (`target_parameters`).
///
/// A file has one pair of factors for all experts: row `expert · r + k` of A, column `k · experts +
/// expert` of B, and the gate as the first half of the outputs of `gate_up_proj`.
final class Experts {

    private static final Pattern LAYER =
            Pattern.compile("(.*)\\.experts\\.(\\d+)\\.(w[123]|gate_proj|up_proj|down_proj)");
    private static final String GATE_UP = "gate_up_proj";
    private static final String DOWN = "down_proj";

    private final Site site;
    private final LoraConfig config;
    private final Map<String, Mixture> mixtures = new TreeMap<>();

    /// The experts of one mixture, in their order.
    private record Mixture(List<Linear> gates, List<Linear> ups, List<Linear> downs) {
        Mixture() {
            this(new ArrayList<>(), new ArrayList<>(), new ArrayList<>());
        }
    }

    private Experts(Site site, LoraConfig config) {
        this.site = site;
        this.config = config;
    }

    /// Attaches what the configuration names, and tells to how many weights.
    static int attach(Site site, LoraConfig config) {
        return config.tensors().isEmpty() ? 0 : new Experts(site, config).attach();
    }

    private int attach() {
        int attached = 0;
        for (Linear linear : site.decoder().linears()) {
            Matcher matcher = LAYER.matcher(linear.name());
            if (matcher.matches()) {
                Mixture mixture = mixtures.computeIfAbsent(matcher.group(1), _ -> new Mixture());
                switch (matcher.group(3)) {
                    case "w1", "gate_proj" -> mixture.gates.add(linear);
                    case "w3", "up_proj" -> mixture.ups.add(linear);
                    default -> mixture.downs.add(linear);
                }
            } else if (linear.name().endsWith(".gate") && named(renamed(linear.name()), "weight")) {
                attachRouter(linear);
                attached++;
            }
        }
        for (Map.Entry<String, Mixture> entry : mixtures.entrySet()) {
            attached += attach(renamed(entry.getKey()) + ".experts", entry.getValue());
        }
        if (attached == 0) {
            throw Site.refused(
                    "target_parameters %s matches no weight of this model"
                            .formatted(config.tensors()));
        }
        return attached;
    }

    private static String renamed(String name) {
        return name.replace(".block_sparse_moe", ".mlp");
    }

    private boolean named(String module, String tensor) {
        String name = module + "." + tensor;
        return config.tensors().stream().anyMatch(t -> name.equals(t) || name.endsWith("." + t));
    }

    private void attachRouter(Linear router) {
        String module = renamed(router.name());
        long rank = config.ranks().rank(module + ".weight");
        long inputs = router.weight().inputs();
        String path = Site.PREFIX + module;
        router.attach(
                new LowRank(
                        site.matrix(path + ".lora_A.weight", Start.kaiming(inputs), rank, inputs),
                        site.matrix(
                                path + ".lora_B.weight",
                                Start.zeros(),
                                router.weight().outputs(),
                                rank),
                        null,
                        config.ranks().scale(module + ".weight"),
                        0));
        site.undo(router::detach);
    }

    private int attach(String module, Mixture mixture) {
        boolean gateUp = named(module, GATE_UP);
        boolean down = named(module, DOWN);
        if (config.dropout() != 0 && (gateUp || down)) {
            throw Site.refused("target_parameters with lora_dropout is not supported");
        }
        if (gateUp) {
            // The adapter that was attached first lies inside the other.
            String holder = module + (down ? ".base_layer" : "");
            attach(holder, module + "." + GATE_UP, List.of(mixture.gates, mixture.ups));
        }
        if (down) {
            attach(module, module + "." + DOWN, List.of(mixture.downs));
        }
        return (gateUp ? 1 : 0) + (down ? 1 : 0);
    }

    /// @param parts layers of each expert whose outputs lie one after the other in the tensor
    private void attach(String holder, String tensor, List<List<Linear>> parts) {
        List<Linear> first = parts.getFirst();
        int experts = first.size();
        long inputs = first.getFirst().weight().inputs();
        long width = first.getFirst().weight().outputs();
        long outputs = width * parts.size();
        long rank = config.ranks().rank(tensor);
        String path = Site.PREFIX + holder;
        refuseSwapped(path, experts * rank, inputs);
        Parameter a =
                site.matrix(path + ".lora_A.weight", Start.kaiming(inputs), experts * rank, inputs);
        Parameter b =
                site.parameter(
                        path + ".lora_B.weight",
                        new Form.Experts(experts),
                        site.decoder().computeType(),
                        Start.zeros(),
                        experts * outputs,
                        rank);
        for (int e = 0; e < experts; e++) {
            for (int part = 0; part < parts.size(); part++) {
                Linear linear = parts.get(part).get(e);
                long from = e * outputs + part * width;
                linear.attach(
                        new LowRank(
                                a.rows(e * rank, (e + 1) * rank),
                                b.rows(from, from + width),
                                null,
                                config.ranks().scale(tensor),
                                0));
                site.undo(linear::detach);
            }
        }
    }

    /// Before 0.19, PEFT took the inputs of fused experts for outputs.
    private void refuseSwapped(String path, long rows, long inputs) {
        Optional<long[]> shape = site.shape(path + ".lora_A.weight");
        if (shape.isPresent() && shape.get()[0] == rows && shape.get()[1] != inputs) {
            throw Site.refused(
                    "%s has inputs and outputs exchanged, as PEFT 0.18 wrote them: save it with a"
                                    .formatted(path)
                            + " newer version");
        }
    }
}
