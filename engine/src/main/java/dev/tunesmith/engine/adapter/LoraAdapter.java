package dev.tunesmith.engine.adapter;

import dev.tunesmith.engine.io.JsonTree;
import dev.tunesmith.engine.io.SafetensorsFile;
import dev.tunesmith.engine.io.SafetensorsWriter;
import dev.tunesmith.engine.io.StoredType;
import dev.tunesmith.engine.model.Decoder;
import dev.tunesmith.engine.nn.Embedding;
import dev.tunesmith.engine.nn.Linear;
import dev.tunesmith.engine.nn.LowRank;
import dev.tunesmith.engine.nn.Parameter;
import dev.tunesmith.engine.tensor.DType;
import dev.tunesmith.engine.tensor.Region;
import dev.tunesmith.engine.tensor.Tensor;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.BiConsumer;

/// A LoRA attached to a decoder.
///
/// Attach to [Decoder#share()] to leave the original untouched. Parameters carry the names of PEFT
/// files, `base_model.model.…`.
public final class LoraAdapter implements AutoCloseable {

    /// Name of the configuration file.
    public static final String CONFIG = "adapter_config.json";

    /// Name of the weight file.
    public static final String WEIGHTS = "adapter_model.safetensors";

    private static final String PREFIX = "base_model.model.";

    private final Decoder decoder;
    private final LoraConfig config;
    private final Region region = Region.lasting("adapter");
    private final Map<String, Parameter> parameters = new LinkedHashMap<>();
    private final List<Runnable> undo = new ArrayList<>();

    private LoraAdapter(Decoder decoder, LoraConfig config) {
        this.decoder = decoder;
        this.config = config;
    }

    /// Attaches a new adapter that changes nothing yet: A random by `seed`, B zero.
    public static LoraAdapter fresh(Decoder decoder, LoraConfig config, long seed) {
        LoraAdapter adapter = new LoraAdapter(decoder, config);
        adapter.attach(new FreshFactors(seed));
        return adapter;
    }

    /// Attaches an adapter from a folder in PEFT layout.
    ///
    /// @throws AdapterException with every reason why it does not fit
    public static LoraAdapter load(Decoder decoder, Path folder) {
        LoraConfig config = LoraConfig.read(JsonTree.read(folder.resolve(CONFIG)));
        LoraAdapter adapter = new LoraAdapter(decoder, config);
        try (SafetensorsFile file = SafetensorsFile.open(folder.resolve(WEIGHTS))) {
            StoredFactors stored = new StoredFactors(file);
            adapter.attach(stored);
            stored.finish(folder.toString());
            return adapter;
        } catch (RuntimeException e) {
            adapter.close();
            throw e;
        }
    }

    /// Where values of a parameter come from: name, shape, and what the base has there.
    interface Source {
        float[] values(String name, long[] shape, Optional<Tensor> base);
    }

    private void attach(Source source) {
        int attached = 0;
        for (Linear linear : decoder.linears()) {
            boolean target = config.targets().contains(linear.name(), true);
            if (target) {
                linear.attach(factors(linear, source));
                undo.add(linear::detach);
                attached++;
            }
            attachBias(linear, target, source);
        }
        Embedding embedding = decoder.embedding();
        if (config.targets().contains(embedding.name(), false)) {
            embedding.attach(rows(embedding, source));
            undo.add(embedding::detach);
            attached++;
        }
        attachTokenRows(embedding, source);
        if (attached == 0) {
            throw new AdapterException(
                    "adapter",
                    List.of(
                            "target_modules %s matches no module of this model"
                                    .formatted(config.targets().wire())));
        }
        attachSavedModules(source);
    }

    private LowRank factors(Linear linear, Source source) {
        String path = PREFIX + linear.name();
        long rank = config.ranks().rank(linear.name());
        return new LowRank(
                parameter(path + ".lora_A.weight", source, rank, linear.weight().inputs()),
                parameter(path + ".lora_B.weight", source, linear.weight().outputs(), rank),
                config.factorBias()
                        ? parameter(path + ".lora_B.bias", source, linear.weight().outputs())
                        : null,
                config.ranks().scale(linear.name()),
                config.dropout());
    }

    private void attachBias(Linear linear, boolean target, Source source) {
        boolean trained =
                switch (config.bias()) {
                    case NONE -> false;
                    case ALL -> true;
                    case LORA_ONLY -> target;
                };
        Optional<Parameter> bias = linear.bias();
        if (!trained || bias.isEmpty()) {
            return;
        }
        Parameter original = bias.get();
        String name = PREFIX + linear.name() + (target ? ".base_layer.bias" : ".bias");
        linear.useBias(copy(name, original.value(), source));
        undo.add(() -> linear.useBias(original));
    }

    private Embedding.LowRankRows rows(Embedding embedding, Source source) {
        String path = PREFIX + embedding.name();
        long rank = config.ranks().rank(embedding.name());
        long vocabulary = embedding.table().value().size(0);
        long width = embedding.table().value().size(1);
        float[] a_RV =
                source.values(
                        path + ".lora_embedding_A",
                        new long[] {rank, vocabulary},
                        Optional.empty());
        Tensor at_VR = region.tensor(decoder.computeType(), vocabulary, rank);
        at_VR.set(transposed(a_RV, (int) rank, (int) vocabulary));
        Parameter a = new Parameter(path + ".lora_embedding_A", at_VR);
        parameters.put(a.name(), a);
        return new Embedding.LowRankRows(
                a,
                parameter(path + ".lora_embedding_B", source, width, rank),
                config.ranks().scale(embedding.name()));
    }

    private void attachTokenRows(Embedding embedding, Source source) {
        List<Integer> tokens = config.targets().tokens();
        if (tokens.isEmpty()) {
            return;
        }
        if (decoder.architecture().edges().tied()) {
            throw new AdapterException(
                    "adapter",
                    List.of(
                            "trainable_token_indices of an embedding that is also the head is not"
                                    + " supported"));
        }
        Tensor table = embedding.table().value();
        int width = (int) table.width();
        float[] rows = new float[tokens.size() * width];
        for (int m = 0; m < tokens.size(); m++) {
            int token = tokens.get(m);
            if (token < 0 || token >= table.size(0)) {
                throw new AdapterException(
                        "adapter", List.of("trainable_token_indices: there is no token " + token));
            }
            float[] row = table.rowRange(token, token + 1L).toFloats();
            System.arraycopy(row, 0, rows, m * width, width);
        }
        Tensor current = region.tensor(table.type(), tokens.size(), width);
        current.set(rows);
        String name = PREFIX + embedding.name() + ".token_adapter.trainable_tokens_delta";
        embedding.replace(new Embedding.TokenRows(tokens, copy(name, current, source)));
        undo.add(embedding::detach);
    }

    private void attachSavedModules(Source source) {
        List<String> unknown = new ArrayList<>();
        for (String module : config.savedModules()) {
            switch (module) {
                case "lm_head" -> {
                    Parameter original = decoder.head().weight();
                    String name = PREFIX + "lm_head.weight";
                    decoder.head().useWeight(copy(name, original.value(), source));
                    undo.add(() -> decoder.head().useWeight(original));
                }
                case "embed_tokens", "model.embed_tokens" -> {
                    Parameter original = decoder.embedding().table();
                    String name = PREFIX + decoder.embedding().name() + ".weight";
                    decoder.embedding().useTable(copy(name, original.value(), source));
                    undo.add(() -> decoder.embedding().useTable(original));
                }
                default -> unknown.add(module);
            }
        }
        if (!unknown.isEmpty()) {
            throw new AdapterException(
                    "adapter",
                    List.of(
                            "modules_to_save %s is not supported (supported: lm_head, embed_tokens)"
                                    .formatted(unknown)));
        }
    }

    private Parameter copy(String name, Tensor base, Source source) {
        Tensor own = region.tensor(base.type(), base.shape());
        own.set(source.values(name, base.shape(), Optional.of(base)));
        Parameter parameter = new Parameter(name, own);
        parameters.put(name, parameter);
        return parameter;
    }

    private Parameter parameter(String name, Source source, long... shape) {
        Tensor value = region.tensor(decoder.computeType(), shape);
        value.set(source.values(name, shape, Optional.empty()));
        Parameter parameter = new Parameter(name, value);
        parameters.put(name, parameter);
        return parameter;
    }

    /// What the adapter is.
    public LoraConfig config() {
        return config;
    }

    /// All parameters of the adapter, in the order of the model.
    public List<Parameter> parameters() {
        return List.copyOf(parameters.values());
    }

    /// Makes all parameters trainable; their masters and gradients live as long as the adapter.
    public void train() {
        parameters.values().forEach(parameter -> parameter.train(region));
    }

    /// Writes configuration and weights into an existing folder, in PEFT layout. The weights are
    /// the fp32 masters of a trained adapter, else the values in use.
    public void save(Path folder) throws IOException {
        Map<String, Object> tree = config.toTree();
        tree.put("fan_in_fan_out", decoder.architecture().layout().transposed());
        JsonTree.write(folder.resolve(CONFIG), tree);
        SafetensorsWriter writer = new SafetensorsWriter(Map.of("format", "pt"));
        tensors().forEach((name, tensor) -> writer.add(name, tensor.shape(), tensor.values()));
        decoder.embedding()
                .lowRank()
                .ifPresent(_ -> {
                    Tensor table = decoder.embedding().table().value();
                    writer.add(
                            PREFIX + decoder.embedding().name() + ".base_layer.weight",
                            table.type() == DType.F32 ? StoredType.F32 : StoredType.BF16,
                            shape(table),
                            table.segment());
                });
        writer.write(folder.resolve(WEIGHTS));
    }

    /// A tensor as a file holds it.
    public record FileTensor(List<Long> shape, float[] values) {}

    /// All tensors of the adapter as a file holds them, by name.
    public Map<String, FileTensor> tensors() {
        Map<String, FileTensor> tensors = new TreeMap<>();
        parameters.forEach((name, parameter) -> {
            Tensor tensor = parameter.trains() ? parameter.master() : parameter.value();
            tensors.put(name, fileTensor(name, tensor));
        });
        return tensors;
    }

    /// A tensor shaped like a parameter, for example its gradient, as a file holds it: the
    /// embedding factor is kept the other way round in memory.
    public static FileTensor fileTensor(String name, Tensor tensor) {
        if (!name.endsWith(".lora_embedding_A")) {
            return new FileTensor(shape(tensor), tensor.toFloats());
        }
        int vocabulary = (int) tensor.size(0);
        int rank = (int) tensor.size(1);
        return new FileTensor(
                List.of((long) rank, (long) vocabulary),
                transposed(tensor.toFloats(), vocabulary, rank));
    }

    private static List<Long> shape(Tensor tensor) {
        return Arrays.stream(tensor.shape()).boxed().toList();
    }

    private static float[] transposed(float[] values, int rows, int columns) {
        float[] result = new float[values.length];
        for (int i = 0; i < rows; i++) {
            for (int j = 0; j < columns; j++) {
                result[j * rows + i] = values[i * columns + j];
            }
        }
        return result;
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
        new Merge(decoder, config, sink).run();
    }

    /// Takes the adapter off the decoder and frees its memory.
    @Override
    public void close() {
        undo.reversed().forEach(Runnable::run);
        undo.clear();
        region.close();
    }
}
