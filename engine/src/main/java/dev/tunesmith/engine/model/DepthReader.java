package dev.tunesmith.engine.model;

import dev.tunesmith.engine.nn.Parameter;
import dev.tunesmith.engine.nn.depth.DepthLoss;
import dev.tunesmith.engine.nn.depth.DepthPlan;
import dev.tunesmith.engine.nn.depth.DepthRouter;
import dev.tunesmith.engine.nn.depth.Depths;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Routers that leave tokens out of layers, in our own extension of the Hugging Face layout: the
/// object `mixture_of_depths` of `config.json`, and a tensor `router.weight` in each such layer.
public final class DepthReader {

    /// The key in `config.json`.
    public static final String KEY = "mixture_of_depths";

    private static final String EVERY = "every";
    private static final String CAPACITY = "capacity";
    private static final String WEIGHT = "router.weight";

    private final Architecture architecture;
    private final Checkpoint checkpoint;

    DepthReader(Architecture architecture, Checkpoint checkpoint) {
        this.architecture = architecture;
        this.checkpoint = checkpoint;
    }

    /// What a configuration says.
    ///
    /// @throws UnsupportedModelException if it is no such object
    public static Optional<DepthPlan> plan(Map<String, Object> config) {
        Object found = config.get(KEY);
        if (found == null) {
            return Optional.empty();
        }
        if (found instanceof Map<?, ?> object
                && object.get(EVERY) instanceof Integer every
                && object.get(CAPACITY) instanceof Number capacity
                && every >= 1
                && capacity.doubleValue() > 0
                && capacity.doubleValue() <= 1) {
            return Optional.of(new DepthPlan(every, capacity.doubleValue()));
        }
        throw new UnsupportedModelException(
                KEY,
                List.of(
                        "expected {\"every\": a whole number from 1, \"capacity\": a share above 0 and up to 1}, found "
                                + found));
    }

    /// The same configuration with routers.
    public static Map<String, Object> with(Map<String, Object> config, DepthPlan plan) {
        Map<String, Object> routed = new LinkedHashMap<>(config);
        Map<String, Object> object = new LinkedHashMap<>();
        object.put(EVERY, plan.every());
        object.put(CAPACITY, plan.capacity());
        routed.put(KEY, object);
        return routed;
    }

    /// The names of the routers of a model.
    public static List<String> names(Architecture architecture, DepthPlan plan) {
        List<String> names = new ArrayList<>();
        for (int layer = 0; layer < architecture.size().layers(); layer++) {
            if (plan.routes(layer)) {
                names.add(name(architecture, layer));
            }
        }
        return names;
    }

    private static String name(Architecture architecture, int layer) {
        return architecture.layout().name(Layout.Part.LAYER).formatted(layer) + WEIGHT;
    }

    /// Why tokens cannot be left out of the layers of a model, if they cannot.
    public static List<String> faults(Architecture architecture, DepthPlan plan) {
        List<String> faults = new ArrayList<>();
        if (architecture.vision().isPresent()) {
            faults.add(
                    "%s reads pictures, whose rows belong together"
                            .formatted(architecture.family()));
        }
        if (architecture.mlp().experts() != null) {
            faults.add("%s is a mixture of experts already".formatted(architecture.family()));
        }
        if (!architecture.positions().slopes_H().isEmpty()) {
            faults.add("%s counts the tokens between two tokens".formatted(architecture.family()));
        }
        for (int layer = 0; layer < architecture.size().layers(); layer++) {
            if (plan.routes(layer) && architecture.positions().windows_L().get(layer) > 0) {
                faults.add(
                        "layer %d of %s sees a window of tokens, which would no longer be neighbours"
                                .formatted(layer, architecture.family()));
            }
        }
        if (plan.every() > architecture.size().layers()) {
            faults.add(
                    "of %d layers none is the last of %d"
                            .formatted(architecture.size().layers(), plan.every()));
        }
        return faults;
    }

    /// The routers that the checkpoint holds.
    ///
    /// @throws UnsupportedModelException if the model cannot have them
    Depths depths(Optional<DepthPlan> found) {
        if (found.isEmpty()) {
            return Depths.none();
        }
        DepthPlan plan = found.get();
        List<String> faults = faults(architecture, plan);
        if (!faults.isEmpty()) {
            throw new UnsupportedModelException(KEY, faults);
        }
        DepthLoss loss = new DepthLoss();
        List<DepthRouter> routers = new ArrayList<>();
        for (int layer = 0; layer < architecture.size().layers(); layer++) {
            if (plan.routes(layer)) {
                Parameter weight =
                        checkpoint.parameter(
                                name(architecture, layer), 1, architecture.size().width());
                routers.add(new DepthRouter(layer, weight, plan, loss));
            }
        }
        return new Depths(routers, loss);
    }
}
