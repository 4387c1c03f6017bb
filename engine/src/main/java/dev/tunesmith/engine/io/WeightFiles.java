package dev.tunesmith.engine.io;

import dev.tunesmith.kernels.NativeMemory;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/// The weights of a model as one set of named tensors, whether they lie in one file or in shards.
public final class WeightFiles implements AutoCloseable {

    private final Path directory;
    private final Map<String, SafetensorsFile> fileOf;
    private final List<SafetensorsFile> files;

    private WeightFiles(
            Path directory, Map<String, SafetensorsFile> fileOf, List<SafetensorsFile> files) {
        this.directory = directory;
        this.fileOf = fileOf;
        this.files = files;
    }

    /// Opens a single weight file.
    public static WeightFiles single(Path directory, Path file) {
        SafetensorsFile weights = SafetensorsFile.open(file);
        Map<String, SafetensorsFile> fileOf = new TreeMap<>();
        weights.tensors().forEach(tensor -> fileOf.put(tensor.name(), weights));
        return new WeightFiles(directory, fileOf, List.of(weights));
    }

    /// Opens all shards and checks them against the index, which maps tensor names to file names.
    static WeightFiles sharded(Path directory, Path index, Map<String, String> weightMap) {
        Map<String, SafetensorsFile> open = new LinkedHashMap<>();
        try {
            Map<String, SafetensorsFile> fileOf = new TreeMap<>();
            weightMap.forEach((tensor, shard) -> {
                SafetensorsFile file =
                        open.computeIfAbsent(
                                shard, name -> SafetensorsFile.open(directory.resolve(name)));
                if (file.find(tensor).isEmpty()) {
                    throw new ModelFileException(
                            index, "tensor %s should be in %s but is not".formatted(tensor, shard));
                }
                fileOf.put(tensor, file);
            });
            requireIndexed(index, fileOf, open.values());
            return new WeightFiles(directory, fileOf, List.copyOf(open.values()));
        } catch (RuntimeException e) {
            open.values().forEach(SafetensorsFile::close);
            throw e;
        }
    }

    private static void requireIndexed(
            Path index, Map<String, SafetensorsFile> fileOf, Collection<SafetensorsFile> files) {
        for (SafetensorsFile file : files) {
            for (StoredTensor tensor : file.tensors()) {
                if (fileOf.get(tensor.name()) != file) {
                    throw new ModelFileException(
                            index,
                            "tensor %s of %s is not in the index"
                                    .formatted(tensor.name(), file.path().getFileName()));
                }
            }
        }
    }

    /// All tensor names, sorted.
    public List<String> names() {
        return new ArrayList<>(fileOf.keySet());
    }

    /// The tensor of that name, if there is one.
    public Optional<StoredTensor> find(String name) {
        return Optional.ofNullable(fileOf.get(name)).map(file -> file.tensor(name));
    }

    /// The tensor of that name.
    ///
    /// @throws ModelFileException if there is none
    public StoredTensor tensor(String name) {
        return fileOf(name).tensor(name);
    }

    /// The file that holds a tensor.
    public Path file(String name) {
        return fileOf(name).path();
    }

    /// The mapped bytes of a tensor, valid until [#close].
    public MemorySegment bytes(String name) {
        return fileOf(name).bytes(name);
    }

    /// A copy of a floating-point tensor as Java floats, row-major.
    public float[] floats(String name) {
        return fileOf(name).floats(name);
    }

    /// A copy of `count` values of a floating-point tensor from the element `from` on.
    public float[] floats(String name, long from, long count) {
        return fileOf(name).floats(name, from, count);
    }

    /// A copy of an integer tensor as Java longs, row-major.
    public long[] integers(String name) {
        return fileOf(name).integers(name);
    }

    /// The folder of the files.
    public Path directory() {
        return directory;
    }

    /// Says that the bytes of a tensor have been copied, so that they no longer count as memory of
    /// this process. They may still be read.
    public void forget(String name) {
        NativeMemory.forget(bytes(name));
    }

    /// Bytes of all tensors together.
    public long totalBytes() {
        long total = 0;
        for (SafetensorsFile file : files) {
            for (StoredTensor tensor : file.tensors()) {
                total += tensor.bytes();
            }
        }
        return total;
    }

    private SafetensorsFile fileOf(String name) {
        SafetensorsFile file = fileOf.get(name);
        if (file == null) {
            throw new ModelFileException(directory, "no tensor named " + name);
        }
        return file;
    }

    /// Unmaps all files.
    @Override
    public void close() {
        files.forEach(SafetensorsFile::close);
    }
}
