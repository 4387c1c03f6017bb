package dev.tunesmith.engine.model;

import dev.tunesmith.engine.io.JsonTree;
import dev.tunesmith.engine.io.ModelDirectory;
import dev.tunesmith.engine.io.ModelFileException;
import dev.tunesmith.engine.io.SafetensorsWriter;
import dev.tunesmith.engine.io.StoredTensor;
import dev.tunesmith.engine.io.StoredType;
import dev.tunesmith.engine.io.WeightFiles;
import dev.tunesmith.engine.nn.Linear;
import dev.tunesmith.engine.quant.FourBitFormat;
import dev.tunesmith.engine.quant.SavedForm;
import dev.tunesmith.engine.tensor.DType;
import dev.tunesmith.engine.tensor.Region;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;

/// Makes a quantised checkpoint of a plain one: the matrices of all linear layers inside the blocks
/// become codes, everything else keeps its bytes.
public final class QuantisedFolder {
    private final ModelDirectory source;
    private final WeightFiles weights;
    private final Path folder;
    private final SavedForm form;
    private final Set<String> matrices;
    private final Map<String, String> shardOf = new TreeMap<>();

    private QuantisedFolder(
            ModelDirectory source, WeightFiles weights, Path folder, SavedForm form) {
        this.source = source;
        this.weights = weights;
        this.folder = folder;
        this.form = form;
        this.matrices = matrices(source, weights);
    }

    /// Fills an empty folder.
    ///
    /// @throws ModelFileException if the model is quantised already
    public static void write(ModelDirectory source, Path folder, SavedForm form)
            throws IOException {
        if (source.config().get("quantization_config") != null) {
            throw new ModelFileException(
                    source.path(), "the model is quantised: use the one that it was made from");
        }
        try (WeightFiles weights = source.openWeights()) {
            new QuantisedFolder(source, weights, folder, form).write();
        }
    }

    /// Names of the layers that are quantised where that is asked for, and whose matrix is a tensor
    /// of its own, as wide and high as the layer.
    private static Set<String> matrices(ModelDirectory source, WeightFiles weights) {
        boolean bf16 =
                weights.names().stream().anyMatch(n -> weights.tensor(n).type() == StoredType.BF16);
        Set<String> names = new TreeSet<>();
        var form =
                new Decoder.Form(
                        bf16 ? DType.BF16 : DType.F32,
                        Decoder.Loading.MAPPED,
                        Optional.of(FourBitFormat.qlora()));
        try (Decoder decoder = Decoder.load(source, form)) {
            for (Linear linear : decoder.linears()) {
                if (linear.weight().parameter().isPresent()) {
                    continue;
                }
                List<Long> shape = List.of(linear.weight().outputs(), linear.weight().inputs());
                weights.find(linear.name() + ".weight")
                        .filter(stored -> stored.shape().equals(shape))
                        .ifPresent(_ -> names.add(linear.name()));
            }
        }
        return names;
    }

    private void write() throws IOException {
        try (Stream<Path> files = Files.list(source.path())) {
            for (Path file : files.sorted().toList()) {
                String name = String.valueOf(file.getFileName());
                if (!name.endsWith(".safetensors")
                        && !name.equals(ModelDirectory.CONFIG)
                        && !name.equals(ModelDirectory.INDEX)) {
                    Files.copy(file, folder.resolve(name));
                }
            }
        }
        Map<Path, List<String>> namesOf = new LinkedHashMap<>();
        for (String name : weights.names()) {
            namesOf.computeIfAbsent(weights.file(name), _ -> new ArrayList<>()).add(name);
        }
        for (Map.Entry<Path, List<String>> shard : namesOf.entrySet()) {
            writeShard(String.valueOf(shard.getKey().getFileName()), shard.getValue());
        }
        if (namesOf.size() > 1) {
            JsonTree.write(
                    folder.resolve(ModelDirectory.INDEX),
                    Map.of("metadata", Map.of(), "weight_map", shardOf));
        }
        Map<String, Object> config = new LinkedHashMap<>(source.config());
        config.put("quantization_config", form.config(plainModules()));
        JsonTree.write(folder.resolve(ModelDirectory.CONFIG), config);
    }

    /// Matrices that stay, the head among them: others would look for their codes.
    private List<String> plainModules() {
        Set<String> plain = new TreeSet<>(Set.of("lm_head"));
        for (String name : weights.names()) {
            String module = name.replaceFirst("\\.weight$", "");
            if (!module.equals(name)
                    && weights.tensor(name).shape().size() == 2
                    && !matrices.contains(module)) {
                plain.add(module);
            }
        }
        return List.copyOf(plain);
    }

    private void writeShard(String file, List<String> names) throws IOException {
        var writer = new SafetensorsWriter(Map.of("format", "pt"));
        try (Region region = Region.lasting("codes of a shard")) {
            for (String name : names) {
                StoredTensor stored = weights.tensor(name);
                String module = name.replaceFirst("\\.weight$", "");
                if (!matrices.contains(module) || module.equals(name)) {
                    writer.add(name, stored.type(), stored.shape(), weights.bytes(name));
                    continue;
                }
                var matrix =
                        new SavedForm.Matrix(
                                module,
                                stored.shape().getFirst().intValue(),
                                stored.shape().getLast().intValue(),
                                weights.floats(name));
                form.add(writer, matrix, region);
                weights.forget(name);
            }
            writer.names().forEach(name -> shardOf.put(name, file));
            writer.write(folder.resolve(file));
        }
    }
}
