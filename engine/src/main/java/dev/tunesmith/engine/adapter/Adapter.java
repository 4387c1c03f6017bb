package dev.tunesmith.engine.adapter;

import dev.tunesmith.engine.adapter.kind.AdaLoraConfig;
import dev.tunesmith.engine.adapter.kind.AdapterConfig;
import dev.tunesmith.engine.adapter.site.Companion;
import dev.tunesmith.engine.adapter.site.FileTensor;
import dev.tunesmith.engine.adapter.site.Site;
import dev.tunesmith.engine.io.JsonTree;
import dev.tunesmith.engine.io.SafetensorsFile;
import dev.tunesmith.engine.io.SafetensorsWriter;
import dev.tunesmith.engine.io.StoredTensor;
import dev.tunesmith.engine.io.StoredType;
import dev.tunesmith.engine.model.Decoder;
import dev.tunesmith.engine.nn.Parameter;
import dev.tunesmith.engine.tensor.DType;
import dev.tunesmith.engine.tensor.Region;
import dev.tunesmith.engine.tensor.Tensor;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.BiConsumer;

/// An adapter of any kind attached to a decoder.
///
/// Attach to [Decoder#share()] to leave the original untouched. Parameters carry the names of PEFT
/// files, `base_model.model.…`.
public final class Adapter implements AutoCloseable {

    /// Name of the configuration file.
    public static final String CONFIG = "adapter_config.json";

    /// Name of the weight file.
    public static final String WEIGHTS = "adapter_model.safetensors";

    private final AdapterConfig config;
    private final Region region = Region.lasting("adapter");
    private final Site site;

    private Adapter(Decoder decoder, AdapterConfig config, Site.Source source) {
        this.config = config;
        this.site = new Site(decoder, source, region);
    }

    /// Attaches a new adapter that changes nothing yet; what is random in it follows from `seed`.
    ///
    /// @throws AdapterException if it does not fit
    public static Adapter fresh(Decoder decoder, AdapterConfig config, long seed) {
        Adapter adapter = new Adapter(decoder, config, new FreshValues(seed));
        adapter.attach(() -> {});
        return adapter;
    }

    /// Attaches an adapter from a folder in PEFT layout.
    ///
    /// @throws AdapterException with every reason why it does not fit
    public static Adapter load(Decoder decoder, Path folder) {
        return load(decoder, AdapterConfig.read(JsonTree.read(folder.resolve(CONFIG))), folder);
    }

    /// As the other, with another configuration than that of the folder.
    ///
    /// @throws AdapterException with every reason why it does not fit
    public static Adapter load(Decoder decoder, AdapterConfig config, Path folder) {
        try (SafetensorsFile file = SafetensorsFile.open(folder.resolve(WEIGHTS))) {
            StoredValues stored = new StoredValues(file);
            Adapter adapter = new Adapter(decoder, config, stored);
            adapter.attach(() -> stored.finish(folder.toString()));
            return adapter;
        }
    }

    /// Attaches an adapter of the same values to another decoder of the same shape.
    public Adapter copyTo(Decoder decoder) {
        Adapter copy = fresh(decoder, config, 0);
        List<Parameter> own = parameters();
        List<Parameter> copied = copy.parameters();
        for (int i = 0; i < own.size(); i++) {
            copied.get(i).assign(own.get(i).value().toFloats());
        }
        return copy;
    }

    /// How many values the adapter of a folder in PEFT layout has.
    public static long storedParameters(Path folder) {
        try (SafetensorsFile file = SafetensorsFile.open(folder.resolve(WEIGHTS))) {
            return file.tensors().stream().mapToLong(StoredTensor::elements).sum();
        }
    }

    private void attach(Runnable check) {
        try {
            config.attach(site);
            check.run();
        } catch (RuntimeException e) {
            close();
            throw e;
        }
    }

    /// What the adapter is.
    public AdapterConfig config() {
        return config;
    }

    /// All parameters of the adapter, in the order of the model; but for those of modules of which
    /// no component is left.
    public List<Parameter> parameters() {
        return site.parameters().values().stream()
                .map(Site.Stored::parameter)
                .filter(parameter -> parameter.value().elements() > 0)
                .toList();
    }

    /// What the adapter does in training beside its layers, if anything.
    public Optional<Companion> companion() {
        return site.companion();
    }

    /// Makes all parameters trainable; their masters and gradients live as long as the adapter.
    public void train() {
        parameters().forEach(parameter -> parameter.train(region));
    }

    /// Writes configuration and weights into an existing folder, in PEFT layout. The weights are
    /// the fp32 masters of a trained adapter, else the values in use.
    public void save(Path folder) throws IOException {
        save(folder, SafetensorsWriter.Target.AT_ONCE);
    }

    /// As the other.
    ///
    /// @param target makes the file of the weights
    public void save(Path folder, SafetensorsWriter.Target target) throws IOException {
        Map<String, Object> tree = pruned().toTree();
        tree.put("fan_in_fan_out", site.decoder().architecture().layout().transposed());
        JsonTree.write(folder.resolve(CONFIG), tree);
        SafetensorsWriter writer = new SafetensorsWriter(Map.of("format", "pt"));
        tensors().forEach((name, tensor) -> writer.add(name, tensor.shape(), tensor.values()));
        site.alongside()
                .forEach((name, table) ->
                        writer.add(
                                name,
                                table.type() == DType.F32 ? StoredType.F32 : StoredType.BF16,
                                Arrays.stream(table.shape()).boxed().toList(),
                                table.bytesOnHost()));
        target.write(writer, folder.resolve(WEIGHTS));
    }

    private Map<String, List<Boolean>> kept() {
        Map<String, List<Boolean>> latest = site.companion().map(Companion::kept).orElse(Map.of());
        return KeptRanks.counting(latest, this::shown);
    }

    private float[] shown(String name) {
        Site.Stored stored = site.parameters().get(name);
        return stored == null ? new float[0] : stored.parameter().shown().toFloats();
    }

    private AdapterConfig pruned() {
        if (!(config instanceof AdaLoraConfig ada)) {
            return config;
        }
        Map<String, Integer> ranks = new TreeMap<>();
        site.parameters()
                .forEach((name, stored) ->
                        ranks.put(name, (int) stored.parameter().value().elements()));
        return ada.withKept(KeptRanks.pattern(ada, kept(), ranks));
    }

    /// All tensors of the adapter as a file holds them, by name.
    public Map<String, FileTensor> tensors() {
        Map<String, FileTensor> tensors = new TreeMap<>();
        site.parameters()
                .forEach((name, stored) -> {
                    Parameter parameter = stored.parameter();
                    Tensor now = parameter.shown();
                    tensors.put(name, KeptRanks.of(name, stored.tensor(now), kept()));
                });
        site.extras().forEach((name, tensor) -> tensors.put(name, tensor.get()));
        return tensors;
    }

    /// Gradients of all parameters, as files order their values.
    public Map<String, FileTensor> gradients() {
        Map<String, FileTensor> gradients = new TreeMap<>();
        site.parameters()
                .forEach((name, stored) ->
                        gradients.put(name, stored.tensor(stored.parameter().gradient())));
        return gradients;
    }

    /// The checkpoint tensors that merging changes, by checkpoint name, in fp32.
    ///
    /// @throws AdapterException if the checkpoint has no place for a change
    public Map<String, FileTensor> merged() {
        Map<String, FileTensor> merged = new TreeMap<>();
        merge(merged::put);
        return merged;
    }

    /// The same, one tensor after another.
    ///
    /// @throws AdapterException after the last one, if the checkpoint has no place for a change
    void merge(BiConsumer<String, FileTensor> sink) {
        new Merge(site.decoder(), sink).run();
    }

    /// Takes the adapter off the decoder and frees its memory.
    @Override
    public void close() {
        site.undoAll();
        region.close();
    }
}
