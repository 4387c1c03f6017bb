package dev.tunesmith.engine.adapter;

import dev.tunesmith.engine.io.SafetensorsFile;
import dev.tunesmith.engine.io.StoredTensor;
import dev.tunesmith.engine.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/// Values of an adapter file; what is missing, unknown or of the wrong shape is collected.
final class StoredFactors implements LoraAdapter.Source {

    private final SafetensorsFile file;
    private final Set<String> unread = new TreeSet<>();
    private final List<String> faults = new ArrayList<>();

    StoredFactors(SafetensorsFile file) {
        this.file = file;
        file.tensors().forEach(tensor -> unread.add(tensor.name()));
    }

    @Override
    public float[] values(String name, long[] shape, Optional<Tensor> base) {
        unread.remove(name);
        Optional<StoredTensor> stored = file.find(name);
        if (stored.isEmpty()) {
            faults.add("tensor %s is missing".formatted(name));
            return new float[elements(shape)];
        }
        long[] found = stored.get().shape().stream().mapToLong(Long::longValue).toArray();
        if (!Arrays.equals(found, shape)) {
            faults.add(
                    "tensor %s has shape %s, the model asks for %s"
                            .formatted(name, Arrays.toString(found), Arrays.toString(shape)));
            return new float[elements(shape)];
        }
        return file.floats(name);
    }

    private static int elements(long[] shape) {
        return Math.toIntExact(Arrays.stream(shape).reduce(1, (a, b) -> a * b));
    }

    /// Throws if anything was wrong. Copies of base tensors that PEFT stores along are fine.
    void finish(String adapter) {
        unread.stream()
                .filter(name -> !name.endsWith(".base_layer.weight"))
                .forEach(name -> faults.add("tensor %s is unknown".formatted(name)));
        if (!faults.isEmpty()) {
            throw new AdapterException(adapter, faults);
        }
    }
}
