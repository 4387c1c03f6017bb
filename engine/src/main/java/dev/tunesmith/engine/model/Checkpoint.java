package dev.tunesmith.engine.model;

import dev.tunesmith.engine.io.StoredTensor;
import dev.tunesmith.engine.io.StoredType;
import dev.tunesmith.engine.io.WeightFiles;
import dev.tunesmith.engine.nn.Parameter;
import dev.tunesmith.engine.nn.Weight;
import dev.tunesmith.engine.ops.Elementwise;
import dev.tunesmith.engine.ops.FourBitMatrix;
import dev.tunesmith.engine.ops.Products;
import dev.tunesmith.engine.quant.FourBitFormat;
import dev.tunesmith.engine.quant.PackedForm;
import dev.tunesmith.engine.tensor.DType;
import dev.tunesmith.engine.tensor.Region;
import dev.tunesmith.engine.tensor.Tensor;
import dev.tunesmith.kernels.NativeMemory;
import dev.tunesmith.kernels.cpu.Panels;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.regex.Pattern;
import java.util.stream.IntStream;

/// Turns the tensors of a checkpoint into parameters; what is missing, unknown or of the wrong
/// shape is collected, so that all of it is told at once.
final class Checkpoint {

    /// Buffers that some checkpoints hold although they follow from the configuration.
    private static final Pattern DERIVED =
            Pattern.compile(
                    ".*rotary_emb\\.inv_freq|.*rotary_pos_emb\\.inv_freq|.*\\.attn\\.bias|.*\\.attn\\.masked_bias");

    private static final String BARE_PREFIX = "transformer.";
    private static final int SHOWN_MAX = 20;
    private static final int ENCODED_ROWS = 32;
    private static final double UNIT_EPS = 1e-7;

    private final WeightFiles files;
    private final Region region;
    private final Decoder.Form form;
    private final DType compute;
    private final Optional<PackedForm> packed;
    private final Map<String, Parameter> parameters = new LinkedHashMap<>();
    private final List<String> faults = new ArrayList<>();
    private final Set<String> unread;

    /// Reads from `files` into `region`.
    ///
    /// @param packed how the matrices of the checkpoint are quantised, if they are
    Checkpoint(WeightFiles files, Optional<PackedForm> packed, Region region, Decoder.Form form) {
        this.files = files;
        this.packed = packed;
        this.region = region;
        this.form = form;
        this.compute = form.compute();
        this.unread = new TreeSet<>(files.names());
    }

    /// The parameter of that name, which must have the given shape.
    Parameter parameter(String name, long... shape) {
        Parameter known = parameters.get(name);
        if (known != null) {
            return known;
        }
        Parameter parameter = new Parameter(name, tensor(name, shape));
        parameters.put(name, parameter);
        return parameter;
    }

    /// A matrix that rows are multiplied by. For decoding it gets a copy in panels; the file stays
    /// for whoever looks at single rows or at the values.
    Parameter multiplied(String name, long outputs, long inputs) {
        Parameter known = parameters.get(name);
        Optional<PanelStorage> storage = form.panels();
        if (known != null || storage.isEmpty() || !copies(name)) {
            return parameter(name, outputs, inputs);
        }
        Optional<StoredTensor> stored = stored(name, outputs, inputs);
        Parameter parameter =
                new Parameter(
                        name,
                        stored.map(found -> converted(found, compute, region, false))
                                .orElseGet(() -> region.tensor(compute, 0)));
        parameters.put(name, parameter);
        stored.ifPresent(found -> copyToPanels(parameter, storage.get(), found.name()));
        return parameter;
    }

    /// What is to be coded is copied whatever the files hold; a copy of what had to be converted
    /// would be a second one otherwise.
    private boolean copies(String wanted) {
        if (compute != DType.BF16) {
            return false;
        }
        return form.storage().isPresent()
                || files.find(nameInFile(wanted))
                        .filter(stored -> stored.type() == StoredType.BF16)
                        .isPresent();
    }

    private void copyToPanels(Parameter parameter, PanelStorage storage, String stored) {
        Tensor value = parameter.value();
        PanelStorage.Choice choice = storage.of(parameter.name(), value.width());
        if (!Products.PanelMatrix.takes(value, choice.form())) {
            return;
        }
        Function<float[], byte[]> encoder = choice.encoder();
        parameter.usePanels(
                encoder == null
                        ? Products.PanelMatrix.of(value, choice.form(), region)
                        : encoded(value, choice.form(), encoder));
        files.forget(stored);
    }

    private Products.PanelMatrix encoded(
            Tensor value_OI, Panels.Form form, Function<float[], byte[]> encoder) {
        int outputs = Math.toIntExact(value_OI.size(0));
        int rowBytes = encoder.apply(value_OI.rowRange(0, 1).toFloats()).length;
        try (NativeMemory blocks = NativeMemory.allocate((long) outputs * rowBytes)) {
            IntStream.range(0, Math.ceilDiv(outputs, ENCODED_ROWS))
                    .parallel()
                    .forEach(part -> {
                        int from = part * ENCODED_ROWS;
                        int to = Math.min(outputs, from + ENCODED_ROWS);
                        byte[] rows = encoder.apply(value_OI.rowRange(from, to).toFloats());
                        MemorySegment.copy(
                                MemorySegment.ofArray(rows),
                                0,
                                blocks.segment(),
                                (long) from * rowBytes,
                                rows.length);
                    });
            return Products.PanelMatrix.ofBlocks(
                    form, outputs, value_OI.size(1), blocks.segment(), region);
        }
    }

    /// Ones that no file holds and that never train.
    Parameter ones(String name, long width) {
        Tensor ones = region.tensor(compute, width);
        Elementwise.fill(ones, 1);
        return new Parameter(name, ones);
    }

    /// Numbers in fp32 that follow from the configuration.
    Tensor constant(List<Double> values) {
        float[] floats = new float[values.size()];
        for (int i = 0; i < floats.length; i++) {
            floats[i] = values.get(i).floatValue();
        }
        return region.floats(floats, floats.length);
    }

    /// The parameter of that name, held in the files with more axes than the matrix it is used as.
    Parameter folded(String name, long[] storedShape, long outputs, long inputs) {
        Parameter known = parameters.get(name);
        if (known != null) {
            return known;
        }
        Tensor value = tensor(name, storedShape);
        boolean found = value.elements() == outputs * inputs;
        Parameter parameter =
                new Parameter(
                        name,
                        found ? value.reshape(outputs, inputs) : value,
                        Arrays.stream(storedShape).boxed().toList());
        parameters.put(name, parameter);
        return parameter;
    }

    /// Numbers that some checkpoints hold as a matrix of one row.
    Parameter flat(String name, long width) {
        boolean row =
                files.find(nameInFile(name)).filter(found -> found.shape().size() == 2).isPresent();
        return row ? folded(name, new long[] {1, width}, 1, width) : parameter(name, width);
    }

    /// A number that never trains, if the files hold it.
    double number(String name, double absent) {
        Optional<StoredTensor> stored = files.find(name);
        if (stored.isEmpty()) {
            return absent;
        }
        Parameter parameter = folded(name, shape(stored.get()), 1, 1);
        parameter.fix();
        return parameter.best()[0];
    }

    /// The first of some paths below which the files have `probe`, or the first of all.
    String path(List<String> paths, String probe) {
        return paths.stream()
                .filter(path -> holds(path + probe))
                .findFirst()
                .orElse(paths.getFirst());
    }

    /// Keeps everything below that path from training.
    void fix(String path) {
        parameters.values().stream()
                .filter(parameter -> parameter.name().startsWith(path))
                .forEach(Parameter::fix);
    }

    /// Whether the files have such a tensor.
    boolean holds(String name) {
        return files.names().contains(name);
    }

    /// The matrix of a linear layer: as the checkpoint has it, or quantised if that was asked for.
    /// What is quantised already is never quantised again.
    Weight matrix(String module, long outputs, long inputs) {
        Optional<Weight> coded = coded(module, outputs, inputs);
        if (coded.isPresent()) {
            return coded.get();
        }
        String name = module + ".weight";
        if (packed.isEmpty() && form.quantised().isPresent()) {
            return quantised(form.quantised().get(), name, outputs, inputs);
        }
        return new Weight.Dense(multiplied(name, outputs, inputs));
    }

    /// The matrix of a linear layer that the checkpoint has quantised.
    Optional<Weight> coded(String module, long outputs, long inputs) {
        Optional<PackedForm.Found> found =
                packed.flatMap(of ->
                        of.read(files, new PackedForm.Wanted(module, outputs, inputs), region));
        found.ifPresent(all -> all.tensors().forEach(unread::remove));
        return found.map(PackedForm.Found::weight);
    }

    /// Values are quantised as they are stored, before they are rounded to the compute type.
    private Weight quantised(FourBitFormat format, String name, long outputs, long inputs) {
        Optional<StoredTensor> stored = stored(name, outputs, inputs);
        if (stored.isEmpty()) {
            return new Weight.Dense(new Parameter(name, region.tensor(compute, 0)));
        }
        try (Region scratch = Region.lasting("values to quantise")) {
            DType type = stored.get().type() == StoredType.BF16 ? DType.BF16 : DType.F32;
            Tensor values_OI = converted(stored.get(), type, scratch, false);
            FourBitMatrix matrix =
                    new FourBitMatrix(outputs, inputs, format.quantise(values_OI, region), region);
            files.forget(stored.get().name());
            return new Weight.Coded(matrix);
        }
    }

    /// A matrix whose rows are brought to length 1. It never trains: its length means nothing.
    Parameter unitRows(String name, long rows, long width) {
        Tensor stored = tensor(name, rows, width);
        float[] values = stored.toFloats();
        for (int from = 0; from < values.length; from += (int) width) {
            double square = 0;
            for (int i = from; i < from + width; i++) {
                square += (double) values[i] * values[i];
            }
            double length = Math.max(Math.sqrt(square), UNIT_EPS);
            for (int i = from; i < from + width; i++) {
                values[i] = (float) (values[i] / length);
            }
        }
        Tensor unit = region.tensor(compute, stored.shape());
        unit.set(values);
        Parameter parameter = new Parameter(name, unit);
        parameter.fix();
        parameters.put(name, parameter);
        return parameter;
    }

    /// Accepts a tensor that is not needed.
    void skip(String name) {
        unread.remove(name);
    }

    /// Holds everything below that path as it is, for whoever writes the model.
    void keepBelow(String path) {
        List.copyOf(unread).stream()
                .filter(name -> name.startsWith(path))
                .forEach(name -> parameter(name, shape(files.tensor(name))).fix());
    }

    /// Accepts everything below that path.
    void skipBelow(String path) {
        unread.removeIf(name -> name.startsWith(path));
    }

    private Tensor tensor(String name, long... shape) {
        Optional<StoredTensor> stored = stored(name, shape);
        boolean copy = form.loading() != Decoder.Loading.MAPPED;
        return stored.isEmpty()
                ? region.tensor(compute, 0)
                : converted(stored.get(), compute, region, copy);
    }

    /// The values in the given type: mapped if they are stored so and need no copy. Files are
    /// aligned to 8 bytes, which costs no kernel anything.
    private Tensor converted(StoredTensor stored, DType type, Region target, boolean copy) {
        long[] shape = shape(stored);
        boolean f32 = stored.type() == StoredType.F32;
        boolean bf16 = stored.type() == StoredType.BF16;
        if (!f32 && !bf16) {
            Tensor tensor = target.tensor(type, shape);
            tensor.set(files.floats(stored.name()));
            files.forget(stored.name());
            return tensor;
        }
        DType source = f32 ? DType.F32 : DType.BF16;
        MemorySegment bytes = files.bytes(stored.name());
        if (source == type && !copy && bytes.address() % source.bytes() == 0) {
            return target.view(bytes, source, shape);
        }
        Tensor tensor = target.tensor(type, shape);
        try (Region file = Region.lasting("stored values")) {
            Elementwise.convert(tensor, file.view(bytes, source, shape));
        }
        files.forget(stored.name());
        return tensor;
    }

    private static long[] shape(StoredTensor stored) {
        return stored.shape().stream().mapToLong(Long::longValue).toArray();
    }

    /// Checkpoints of a bare model leave out the name of the part that they are.
    private String nameInFile(String name) {
        String bare = name.substring(name.indexOf('.') + 1);
        return !unread.contains(name) && name.startsWith(BARE_PREFIX) && unread.contains(bare)
                ? bare
                : name;
    }

    /// The tensor of that name, unless it is missing or of another shape.
    private Optional<StoredTensor> stored(String wanted, long... shape) {
        String name = nameInFile(wanted);
        if (!unread.remove(name)) {
            faults.add("tensor %s is missing".formatted(name));
            return Optional.empty();
        }
        StoredTensor stored = files.tensor(name);
        long[] found = shape(stored);
        if (!Arrays.equals(found, shape)) {
            faults.add(
                    "tensor %s has shape %s, the configuration asks for %s"
                            .formatted(name, Arrays.toString(found), Arrays.toString(shape)));
            return Optional.empty();
        }
        return Optional.of(stored);
    }

    /// All parameters in the order in which they were asked for.
    ///
    /// @throws UnsupportedModelException if anything was wrong
    List<Parameter> finish(String model) {
        unread.stream()
                .filter(name -> !DERIVED.matcher(name).matches())
                .forEach(name -> faults.add("tensor %s is unknown".formatted(name)));
        if (faults.size() > SHOWN_MAX) {
            List<String> shown = new ArrayList<>(faults.subList(0, SHOWN_MAX));
            shown.add("and %d more".formatted(faults.size() - SHOWN_MAX));
            throw new UnsupportedModelException(model, shown);
        }
        if (!faults.isEmpty()) {
            throw new UnsupportedModelException(model, faults);
        }
        return List.copyOf(parameters.values());
    }
}
