package dev.tunesmith.engine.adapter.kind;

import dev.tunesmith.engine.adapter.site.FileTensor;
import dev.tunesmith.engine.adapter.site.Scope;
import dev.tunesmith.engine.adapter.site.Site;
import dev.tunesmith.engine.adapter.site.Slot;
import dev.tunesmith.engine.adapter.site.Start;
import dev.tunesmith.engine.nn.Linear;
import dev.tunesmith.engine.nn.Parameter;
import dev.tunesmith.engine.nn.change.Change;
import dev.tunesmith.engine.nn.change.LowRank;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/// VeRA: one pair of random matrices for all layers, of which every layer uses a corner; two
/// vectors a layer train.
///
/// @param key seed of the random matrices
/// @param saved whether the matrices are written along
/// @param inner what the vector of the rank components begins with
public record VeraConfig(
        Scope scope, int rank, double dropout, long key, boolean saved, double inner)
        implements AdapterConfig {

    private static final String A = "base_model.vera_A";
    private static final String B = "base_model.vera_B";

    static VeraConfig read(Settings settings) {
        VeraConfig config =
                new VeraConfig(
                        settings.scope("vera"),
                        settings.integer("r", 256, 1),
                        settings.number("vera_dropout", 0),
                        (long) settings.number("projection_prng_key", 0),
                        settings.flag("save_projection", true),
                        settings.number("d_initial", 0.1));
        settings.finish();
        return config;
    }

    /// A new one.
    public static VeraConfig of(Scope scope, int rank, double dropout, long key) {
        return new VeraConfig(scope, rank, dropout, key, true, 0.1);
    }

    @Override
    public String peftType() {
        return "VERA";
    }

    @Override
    public void attach(Site site) {
        List<Linear> targets =
                site.decoder().linears().stream()
                        .filter(linear -> scope.targets().contains(linear.name(), true))
                        .toList();
        Site.require(targets.size(), scope);
        int inputs = (int) targets.stream().mapToLong(l -> l.weight().inputs()).max().orElse(0);
        int outputs = (int) targets.stream().mapToLong(l -> l.weight().outputs()).max().orElse(0);
        TorchRandom random = new TorchRandom(key);
        float[] freshA = kaiming(random, rank * inputs, inputs);
        float[] freshB = kaiming(random, outputs * rank, rank);
        float[] a_RI = site.stored(A, rank, inputs).orElse(freshA);
        float[] b_OR = site.stored(B, outputs, rank).orElse(freshB);
        if (saved) {
            site.extras().put(A, () -> FileTensor.of(a_RI, rank, inputs));
            site.extras().put(B, () -> FileTensor.of(b_OR, outputs, rank));
        }
        int _ = site.linears(scope, ".vera_lambda_b", slot -> change(slot, a_RI, b_OR, inputs));
        SavedModules.attach(site, scope);
    }

    private static float[] kaiming(TorchRandom random, int count, int fan) {
        float bound = (float) (Math.sqrt(3) * Math.sqrt(2) / Math.sqrt(fan));
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            values[i] = random.uniform(-bound, bound);
        }
        return values;
    }

    private Change change(Slot slot, float[] a_RI, float[] b_OR, int width) {
        int inputs = (int) slot.inputs();
        int outputs = (int) slot.outputs();
        float[] corner = new float[rank * inputs];
        for (int r = 0; r < rank; r++) {
            System.arraycopy(a_RI, r * width, corner, r * inputs, inputs);
        }
        float[] upper = Arrays.copyOf(b_OR, outputs * rank);
        Parameter a = slot.site().frozen(slot.path() + ".vera_A", corner, rank, inputs);
        Parameter b = slot.site().frozen(slot.path() + ".vera_B", upper, outputs, rank);
        return Change.of(
                new LowRank(
                        a,
                        b,
                        null,
                        slot.vector(".vera_lambda_d", new Start.Constant(inner), rank),
                        slot.vector(".vera_lambda_b", Start.zeros(), outputs),
                        1,
                        dropout));
    }

    @Override
    public void write(Map<String, Object> tree) {
        tree.put("r", rank);
        tree.put("vera_dropout", dropout);
        tree.put("projection_prng_key", key);
        tree.put("save_projection", saved);
        tree.put("d_initial", inner);
        tree.put("init_weights", true);
        tree.put("bias", scope.bias().wire("vera"));
    }

    @Override
    public VeraConfig withoutDropout() {
        return new VeraConfig(scope, rank, 0, key, saved, inner);
    }
}
