package dev.tunesmith.engine.adapter;

import dev.tunesmith.engine.adapter.site.AdapterException;
import dev.tunesmith.engine.adapter.site.Site;
import dev.tunesmith.engine.adapter.site.Start;
import dev.tunesmith.engine.io.SafetensorsFile;
import dev.tunesmith.engine.io.StoredTensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/// Values of an adapter file; what is missing, unknown or of the wrong shape is collected.
final class StoredValues implements Site.Source {

    private final SafetensorsFile file;
    private final Set<String> unread = new TreeSet<>();
    private final List<String> faults = new ArrayList<>();

    StoredValues(SafetensorsFile file) {
        this.file = file;
        file.tensors().forEach(tensor -> unread.add(tensor.name()));
    }

    @Override
    public float[] values(String name, long[] shape, Start start) {
        unread.remove(name);
        Optional<long[]> found = shape(name);
        if (found.isEmpty()) {
            faults.add("tensor %s is missing".formatted(name));
            return new float[elements(shape)];
        }
        if (!Arrays.equals(found.get(), shape)) {
            faults.add(
                    "tensor %s has shape %s, the model asks for %s"
                            .formatted(name, Arrays.toString(found.get()), Arrays.toString(shape)));
            return new float[elements(shape)];
        }
        return file.floats(name);
    }

    @Override
    public float[] unsaved(long[] shape, Start start) {
        return new float[elements(shape)];
    }

    @Override
    public Optional<long[]> shape(String name) {
        return file.find(name).map(StoredTensor::shape).map(StoredValues::sizes);
    }

    @Override
    public boolean stored() {
        return true;
    }

    private static long[] sizes(List<Long> shape) {
        return shape.stream().mapToLong(Long::longValue).toArray();
    }

    private static int elements(long[] shape) {
        return Math.toIntExact(Arrays.stream(shape).reduce(1, (a, b) -> a * b));
    }

    @Override
    public void skip(String name) {
        unread.remove(name);
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
