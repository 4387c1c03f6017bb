package dev.tunesmith.bench.golden;

import dev.tunesmith.engine.io.SafetensorsFile;
import dev.tunesmith.engine.io.StoredTensor;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/// The tensors of one golden file, read into memory.
///
/// Instead of tensor `name` a file may hold `name#norm`, `name#sum` and `name#slice`.
public final class GoldenTensors {

    private final Map<String, float[]> floats = new LinkedHashMap<>();
    private final Map<String, long[]> integers = new LinkedHashMap<>();
    private final Map<String, long[]> shapes = new LinkedHashMap<>();

    private GoldenTensors() {}

    /// Reads a safetensors file.
    public static GoldenTensors open(Path path) {
        GoldenTensors tensors = new GoldenTensors();
        try (SafetensorsFile file = SafetensorsFile.open(path)) {
            for (StoredTensor tensor : file.tensors()) {
                String name = tensor.name();
                tensors.shapes.put(
                        name, tensor.shape().stream().mapToLong(Long::longValue).toArray());
                switch (tensor.type()) {
                    case F16, BF16, F32, F64 -> tensors.floats.put(name, file.floats(name));
                    case BOOL, U8, I8, I16, U16, I32, U32, I64, U64 ->
                            tensors.integers.put(name, file.integers(name));
                    case F8_E5M2, F8_E4M3 -> {
                        // No golden file of a group that runs here holds them.
                    }
                }
            }
        }
        return tensors;
    }

    /// Names without the endings of the compact form.
    public Set<String> names() {
        Set<String> names = new TreeSet<>();
        floats.keySet().forEach(name -> names.add(name.replaceFirst("#.*$", "")));
        return names;
    }

    /// Whether there is a tensor of that name in full.
    public boolean has(String name) {
        return shapes.containsKey(name);
    }

    /// A float tensor in full.
    public Optional<float[]> floats(String name) {
        return Optional.ofNullable(floats.get(name));
    }

    /// A single number.
    public Optional<Double> number(String name) {
        return floats(name).map(values -> (double) values[0]);
    }

    /// An integer tensor, row-major.
    public int[] integers(String name) {
        long[] values = integers.get(name);
        if (values == null) {
            throw new UnsupportedCaseException("integer tensor %s is missing".formatted(name));
        }
        return Arrays.stream(values).mapToInt(Math::toIntExact).toArray();
    }

    /// The shape of a tensor.
    public long[] shape(String name) {
        return shapes.getOrDefault(name, new long[0]).clone();
    }

    /// Which elements of a tensor are marked.
    public boolean[] marks(String name) {
        long[] values = integers.getOrDefault(name, new long[0]);
        boolean[] marks = new boolean[values.length];
        for (int i = 0; i < values.length; i++) {
            marks[i] = values[i] != 0;
        }
        return marks;
    }
}
