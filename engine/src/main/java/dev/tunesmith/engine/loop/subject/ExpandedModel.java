package dev.tunesmith.engine.loop.subject;

import dev.tunesmith.contracts.fit.BlockExpansion;
import dev.tunesmith.engine.io.ModelDirectory;
import dev.tunesmith.engine.io.SafetensorsWriter;
import dev.tunesmith.engine.io.StoredTensor;
import dev.tunesmith.engine.io.WeightFiles;
import dev.tunesmith.engine.model.Architecture;
import dev.tunesmith.engine.model.Layout.Part;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// A model with copies of some of its layers, each behind its original, whose last matrices are
/// zero: it computes what it computed before (LLaMA Pro, arXiv 2401.02415).
public final class ExpandedModel {

    private static final List<String> LAYER_COUNTS =
            List.of("num_hidden_layers", "n_layer", "num_layers");

    /// Options that have an entry for each layer.
    private static final Set<String> BY_LAYER = Set.of("layer_types", "no_rope_layers");

    private final ModelDirectory base;
    private final List<Integer> places;
    private final List<Integer> sources;
    private final Architecture small;
    private final Pattern layerOf;

    private ExpandedModel(ModelDirectory base, List<Integer> places) {
        this.base = base;
        this.places = places;
        this.small = Architecture.of(base.config());
        this.sources = BlockExpansion.sources(small.size().layers(), places);
        String path = small.layout().name(Part.LAYER);
        this.layerOf = Pattern.compile(Pattern.quote(path).replace("%d", "\\E(\\d+)\\Q") + "(.*)");
    }

    /// Writes the larger model into a folder that does not exist yet.
    ///
    /// @param places numbers of the copies in the larger model
    /// @throws SpecRefusedException if the model has no such larger form
    public static ModelDirectory write(ModelDirectory base, List<Integer> places, Path folder)
            throws IOException {
        return new ExpandedModel(base, places).write(folder);
    }

    private ModelDirectory write(Path folder) throws IOException {
        Map<String, Object> config = config();
        requireSameLayers(Architecture.of(config));
        Files.createDirectory(folder);
        ModelFolder.writeAround(base, config, folder);
        try (WeightFiles weights = base.openWeights();
                Arena arena = Arena.ofConfined()) {
            SafetensorsWriter writer = new SafetensorsWriter(Map.of("format", "pt"));
            addAll(writer, weights, arena);
            writer.write(folder.resolve(ModelDirectory.WEIGHTS));
        }
        return ModelDirectory.open(folder);
    }

    private static SpecRefusedException refused(String why) {
        return new SpecRefusedException("adapter llama_pro", List.of(why));
    }

    private Map<String, Object> config() {
        Map<String, Object> config = new LinkedHashMap<>(base.config());
        LAYER_COUNTS.forEach(key -> config.computeIfPresent(key, (_, _) -> sources.size()));
        if (small.positions().windows_L().stream().anyMatch(window -> window > 0)) {
            config.putIfAbsent(
                    "layer_types",
                    small.positions().windows_L().stream()
                            .map(w -> w == 0 ? "full_attention" : "sliding_attention")
                            .toList());
        }
        for (String key : BY_LAYER) {
            if (config.get(key) instanceof List<?> values
                    && values.size() == small.size().layers()) {
                config.put(
                        key, sources.stream().map(source -> (Object) values.get(source)).toList());
            }
        }
        return config;
    }

    /// Some families make layers different by their number.
    private void requireSameLayers(Architecture large) {
        for (int layer = 0; layer < sources.size(); layer++) {
            int source = sources.get(layer);
            boolean same =
                    large.positions().windows_L().get(layer).equals(windowOf(source))
                            && large.positions()
                                    .rotaryOf_L()
                                    .get(layer)
                                    .equals(small.positions().rotaryOf_L().get(source))
                            && large.mlp().expertsOf(layer).isPresent()
                                    == small.mlp().expertsOf(source).isPresent();
            if (!same) {
                throw refused(
                        "layers of family %s differ by their number, so that a copy of layer %d"
                                        .formatted(small.family(), source)
                                + " behind it would be another layer; use adapter freeze or lora");
            }
        }
    }

    private Integer windowOf(int layer) {
        return small.positions().windows_L().get(layer);
    }

    private void addAll(SafetensorsWriter writer, WeightFiles weights, Arena arena) {
        long widest =
                weights.names().stream()
                        .mapToLong(name -> weights.tensor(name).bytes())
                        .max()
                        .orElse(0);
        MemorySegment zeros = arena.allocate(widest);
        int found = 0;
        for (String name : weights.names()) {
            StoredTensor tensor = weights.tensor(name);
            Matcher place = layerOf.matcher(name);
            if (!place.matches()) {
                writer.add(name, tensor.type(), tensor.shape(), weights.bytes(name));
                continue;
            }
            found++;
            int source = Integer.parseInt(place.group(1));
            for (int layer : layersOf(source)) {
                boolean zero = places.contains(layer) && endsBranch(place.group(2));
                String moved =
                        name.substring(0, place.start(1)) + layer + name.substring(place.end(1));
                writer.add(
                        moved,
                        tensor.type(),
                        tensor.shape(),
                        zero ? zeros.asSlice(0, tensor.bytes()) : weights.bytes(name));
            }
        }
        if (found == 0) {
            throw refused("no tensor of the checkpoint lies in a layer");
        }
    }

    private List<Integer> layersOf(int source) {
        List<Integer> layers = new ArrayList<>();
        for (int layer = 0; layer < sources.size(); layer++) {
            if (sources.get(layer) == source) {
                layers.add(layer);
            }
        }
        return layers;
    }

    /// Whether a tensor of a layer is the last one before the sum.
    private boolean endsBranch(String path) {
        String module = path.replaceAll("\\.(weight|bias)$", "");
        return module.equals(small.layout().name(Part.OUTPUT))
                || module.equals(small.layout().name(Part.DOWN))
                || (path.contains("expert")
                        && module.endsWith(small.layout().name(Part.EXPERT_DOWN)));
    }
}
