package dev.tunesmith.engine.model;

import dev.tunesmith.engine.io.StoredTensor;
import dev.tunesmith.engine.io.StoredType;
import dev.tunesmith.engine.io.WeightFiles;
import dev.tunesmith.engine.nn.Parameter;
import dev.tunesmith.engine.ops.Elementwise;
import dev.tunesmith.engine.tensor.DType;
import dev.tunesmith.engine.tensor.Region;
import dev.tunesmith.engine.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;

/// Turns the tensors of a checkpoint into parameters; what is missing, unknown or of the wrong
/// shape is collected, so that all of it is told at once.
final class Checkpoint {

    /// Buffers that some checkpoints hold although they follow from the configuration.
    private static final Pattern DERIVED =
            Pattern.compile(".*rotary_emb\\.inv_freq|.*\\.attn\\.bias|.*\\.attn\\.masked_bias");

    private static final long ALIGNMENT = 64;
    private static final int SHOWN_MAX = 20;

    private final WeightFiles files;
    private final Region region;
    private final DType compute;
    private final boolean writable;
    private final Map<String, Parameter> parameters = new LinkedHashMap<>();
    private final List<String> faults = new ArrayList<>();
    private final Set<String> unread;

    /// Reads from `files` into `region`.
    ///
    /// @param writable copy everything, so that it can train; otherwise tensors of the compute type
    ///   stay mapped
    Checkpoint(WeightFiles files, Region region, DType compute, boolean writable) {
        this.files = files;
        this.region = region;
        this.compute = compute;
        this.writable = writable;
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

    /// Whether the files have such a tensor.
    boolean holds(String name) {
        return files.names().contains(name);
    }

    /// Accepts a tensor that is not needed.
    void skip(String name) {
        unread.remove(name);
    }

    private Tensor tensor(String name, long... shape) {
        if (!unread.remove(name)) {
            faults.add("tensor %s is missing".formatted(name));
            return region.tensor(compute, 0);
        }
        StoredTensor stored = files.tensor(name);
        long[] found = stored.shape().stream().mapToLong(Long::longValue).toArray();
        if (!Arrays.equals(found, shape)) {
            faults.add(
                    "tensor %s has shape %s, the configuration asks for %s"
                            .formatted(name, Arrays.toString(found), Arrays.toString(shape)));
            return region.tensor(compute, 0);
        }
        return converted(name, stored, shape);
    }

    private Tensor converted(String name, StoredTensor stored, long... shape) {
        boolean f32 = stored.type() == StoredType.F32;
        boolean bf16 = stored.type() == StoredType.BF16;
        if (!f32 && !bf16) {
            Tensor tensor = region.tensor(compute, shape);
            tensor.set(files.floats(name));
            return tensor;
        }
        DType type = f32 ? DType.F32 : DType.BF16;
        Tensor mapped = region.view(files.bytes(name), type, shape);
        if (type == compute && !writable && mapped.address() % ALIGNMENT == 0) {
            return mapped;
        }
        Tensor tensor = region.tensor(compute, shape);
        Elementwise.convert(tensor, mapped);
        return tensor;
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
