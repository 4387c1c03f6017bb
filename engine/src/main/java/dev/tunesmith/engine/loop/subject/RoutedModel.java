package dev.tunesmith.engine.loop.subject;

import dev.tunesmith.contracts.fit.Depth;
import dev.tunesmith.engine.io.ModelDirectory;
import dev.tunesmith.engine.io.SafetensorsWriter;
import dev.tunesmith.engine.io.StoredTensor;
import dev.tunesmith.engine.io.WeightFiles;
import dev.tunesmith.engine.model.Architecture;
import dev.tunesmith.engine.model.DepthReader;
import dev.tunesmith.engine.nn.depth.DepthPlan;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;

/// A model some of whose layers have got new routers, which leave most tokens out of them
/// (Mixture-of-Depths, arXiv 2404.02258). It no longer computes what it computed before: it learns
/// to do without.
public final class RoutedModel {

    private static final String SETTING = "mixture_of_depths";

    /// Spread of new weights where the configuration does not say.
    private static final double SPREAD = 0.02;

    private RoutedModel() {}

    /// The model that a job trains: with new routers if it asks for them.
    ///
    /// @param seed of new routers
    /// @param folder that does not exist yet
    /// @throws SpecRefusedException if the model has no such form, or has routers that nobody asked
    ///   for
    public static ModelDirectory of(ModelDirectory base, Depth asked, long seed, Path folder)
            throws IOException {
        Optional<DepthPlan> found = DepthReader.plan(base.config());
        return switch (asked.start()) {
            case OFF -> {
                require(
                        found.isEmpty(),
                        "the model leaves tokens out of layers: ask for load, or take another model");
                yield base;
            }
            case LOAD -> {
                require(found.isPresent(), "the model has no routers to load: ask for convert");
                yield base;
            }
            case CONVERT -> {
                require(found.isEmpty(), "the model has routers already: ask for load");
                yield write(base, new DepthPlan(asked.every(), asked.capacity()), seed, folder);
            }
        };
    }

    private static void require(boolean holds, String otherwise) {
        if (!holds) {
            throw new SpecRefusedException(SETTING, List.of(otherwise));
        }
    }

    private static ModelDirectory write(ModelDirectory base, DepthPlan plan, long seed, Path folder)
            throws IOException {
        Architecture architecture = Architecture.of(base.config());
        List<String> faults = DepthReader.faults(architecture, plan);
        if (!faults.isEmpty()) {
            throw new SpecRefusedException(SETTING, faults);
        }
        Files.createDirectory(folder);
        ModelFolder.writeAround(base, DepthReader.with(base.config(), plan), folder);
        try (WeightFiles weights = base.openWeights()) {
            SafetensorsWriter writer = new SafetensorsWriter(Map.of("format", "pt"));
            for (String name : weights.names()) {
                StoredTensor tensor = weights.tensor(name);
                writer.add(name, tensor.type(), tensor.shape(), weights.bytes(name));
            }
            int width = architecture.size().width();
            SplittableRandom random = new SplittableRandom(seed);
            for (String name : DepthReader.names(architecture, plan)) {
                writer.add(name, List.of(1L, (long) width), fresh(random, width, base));
            }
            writer.write(folder.resolve(ModelDirectory.WEIGHTS));
        }
        return ModelDirectory.open(folder);
    }

    private static float[] fresh(SplittableRandom random, int width, ModelDirectory base) {
        double spread =
                base.config().get("initializer_range") instanceof Number usual
                        ? usual.doubleValue()
                        : SPREAD;
        float[] weights = new float[width];
        for (int d = 0; d < width; d++) {
            weights[d] = (float) (spread * random.nextGaussian());
        }
        return weights;
    }
}
