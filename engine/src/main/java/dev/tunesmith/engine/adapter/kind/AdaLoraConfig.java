package dev.tunesmith.engine.adapter.kind;

import dev.tunesmith.engine.adapter.site.Scope;
import dev.tunesmith.engine.adapter.site.Site;
import dev.tunesmith.engine.adapter.site.Slot;
import dev.tunesmith.engine.adapter.site.Start;
import dev.tunesmith.engine.nn.Parameter;
import dev.tunesmith.engine.nn.change.Change;
import dev.tunesmith.engine.nn.change.LowRank;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/// AdaLoRA: low-rank factors like a singular value decomposition, whose least important components
/// are switched off while it trains until a budget is left.
///
/// @param rank components of a module at the beginning
/// @param kept which components a stored module has kept, by the name of its values; empty if none
///   was switched off yet
public record AdaLoraConfig(
        Scope scope,
        int rank,
        double alpha,
        double dropout,
        Schedule schedule,
        Map<String, List<Boolean>> kept)
        implements AdapterConfig {

    /// When how many components are left.
    ///
    /// @param target mean number of components of a module at the end
    /// @param before steps before the first is switched off
    /// @param after steps at the end in which none is
    /// @param every steps between two cuts
    /// @param total all steps
    /// @param smoothing of importance, and of its uncertainty
    /// @param orthogonality weight of the penalty on factors that are not orthogonal
    public record Schedule(
            int target,
            int before,
            int after,
            int every,
            int total,
            Smoothing smoothing,
            double orthogonality) {}

    /// Weights of the past in running means.
    public record Smoothing(double importance, double uncertainty) {}

    public AdaLoraConfig {
        kept = Map.copyOf(kept);
    }

    static AdaLoraConfig read(Settings settings) {
        settings.refuse(
                List.of(
                        "use_dora",
                        "layer_replication",
                        "target_parameters",
                        "trainable_token_indices",
                        "lora_bias"));
        AdaLoraConfig config =
                new AdaLoraConfig(
                        settings.scope("lora"),
                        settings.integer("init_r", 12, 1),
                        settings.number("lora_alpha", 8),
                        settings.number("lora_dropout", 0),
                        new Schedule(
                                settings.integer("target_r", 8, 0),
                                settings.integer("tinit", 0, 0),
                                settings.integer("tfinal", 0, 0),
                                settings.integer("deltaT", 1, 1),
                                settings.integer("total_step", 1, 1),
                                new Smoothing(
                                        settings.number("beta1", 0.85),
                                        settings.number("beta2", 0.85)),
                                settings.number("orth_reg_weight", 0.5)),
                        settings.masks("rank_pattern"));
        settings.finish();
        return config;
    }

    @Override
    public String peftType() {
        return "ADALORA";
    }

    @Override
    public void attach(Site site) {
        List<RankBudget.Triplet> triplets = new ArrayList<>();
        Site.require(site.linears(scope, ".lora_A", slot -> change(slot, triplets)), scope);
        SavedModules.attach(site, scope);
        site.companion(new RankBudget(schedule, triplets));
    }

    private Change change(Slot slot, List<RankBudget.Triplet> triplets) {
        int here = slot.shape(".lora_A").map(shape -> (int) shape[0]).orElse(rank);
        Start small = new Start.Normal(0.02);
        Parameter a = slot.matrix(".lora_A", small, here, slot.inputs());
        Parameter e = slot.vector(".lora_E", Start.zeros(), here, 1);
        Parameter b = slot.matrix(".lora_B", small, slot.outputs(), here);
        if (here == 0) {
            // All components are gone: the layer is as it was.
            return new Change(null, null, null);
        }
        triplets.add(new RankBudget.Triplet(slot.path().substring(Site.PREFIX.length()), a, e, b));
        // Divided by what there was at the beginning, also when components are gone.
        double scale = (alpha > 0 ? alpha : rank) / (rank + 1e-5);
        return Change.of(new LowRank(a, b, null, e, null, scale, dropout));
    }

    /// The same with other components left.
    public AdaLoraConfig withKept(Map<String, List<Boolean>> now) {
        return new AdaLoraConfig(scope, rank, alpha, dropout, schedule, now);
    }

    @Override
    public void write(Map<String, Object> tree) {
        tree.put("init_r", rank);
        tree.put("r", 8);
        tree.put("target_r", schedule.target);
        tree.put("lora_alpha", Settings.plain(alpha));
        tree.put("lora_dropout", dropout);
        tree.put("tinit", schedule.before);
        tree.put("tfinal", schedule.after);
        tree.put("deltaT", schedule.every);
        tree.put("total_step", schedule.total);
        tree.put("beta1", schedule.smoothing.importance);
        tree.put("beta2", schedule.smoothing.uncertainty);
        tree.put("orth_reg_weight", schedule.orthogonality);
        tree.put("bias", scope.bias().wire("lora"));
        tree.put("init_lora_weights", true);
        if (!kept.isEmpty()) {
            tree.put("rank_pattern", new TreeMap<>(kept));
        }
    }

    @Override
    public AdaLoraConfig withoutDropout() {
        return new AdaLoraConfig(scope, rank, alpha, 0, schedule, kept);
    }
}
