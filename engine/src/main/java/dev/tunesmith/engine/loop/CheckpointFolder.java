package dev.tunesmith.engine.loop;

import dev.tunesmith.engine.io.JsonTree;
import dev.tunesmith.engine.io.SafetensorsFile;
import dev.tunesmith.engine.io.SafetensorsWriter;
import dev.tunesmith.engine.io.StoredTensor;
import dev.tunesmith.engine.io.StoredType;
import dev.tunesmith.engine.tensor.Tensor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/// What lies beside the weights of a checkpoint: optimizer tensors and the state of the loop.
///
/// The folder itself is also a normal PEFT or Hugging Face folder. Reading it never runs code:
/// safetensors and JSON only.
public final class CheckpointFolder {

    /// Masters and moments of all trained parameters.
    public static final String TENSORS = "optimizer.safetensors";

    /// The loop's own state, the spec of the run and where it was computed.
    public static final String STATE = "trainer_state.json";

    private static final int FORMAT_VERSION = 1;

    private CheckpointFolder() {}

    /// What identifies a run: its spec, and the machinery that its last bits depend on.
    ///
    /// @param spec plain values; a checkpoint is only continued under an equal spec
    /// @param environment kernel set, threads and library versions
    public record Identity(Map<String, ?> spec, Map<String, String> environment) {
        public Identity {
            spec = new LinkedHashMap<>(spec);
            environment = Map.copyOf(environment);
        }
    }

    /// A state that was read back.
    ///
    /// @param exact whether the environment is the one that wrote it, so that the continued run
    ///   equals an undisturbed one bit for bit
    public record Restored(LoopState state, boolean exact) {}

    /// Adds both files to a folder for which those of the weights are made already.
    ///
    /// @param target makes the file of the tensors
    public static void write(
            Path folder,
            Identity identity,
            LoopState state,
            Map<String, Tensor> tensors,
            SafetensorsWriter.Target target)
            throws IOException {
        SafetensorsWriter writer = new SafetensorsWriter(Map.of("format", "pt"));
        tensors.forEach((name, tensor) ->
                writer.add(name, storedType(tensor), shape(tensor.shape()), tensor.bytesOnHost()));
        target.write(writer, folder.resolve(TENSORS));
        Map<String, Object> tree = new LinkedHashMap<>();
        tree.put("format_version", FORMAT_VERSION);
        tree.put("loop", state.tree());
        tree.put("environment", identity.environment());
        tree.put("spec", identity.spec());
        JsonTree.write(folder.resolve(STATE), tree);
    }

    /// Reads both files and copies the stored tensors into those that `tensorsAt` gives for the
    /// state, which must be the same ones by name and shape.
    ///
    /// @throws CheckpointException if the checkpoint is of another run or incomplete
    public static Restored read(
            Path folder, Identity identity, Function<LoopState, Map<String, Tensor>> tensorsAt) {
        if (!Files.isRegularFile(folder.resolve(STATE))) {
            throw new CheckpointException("%s has no %s".formatted(folder, STATE));
        }
        Map<String, Object> tree = JsonTree.read(folder.resolve(STATE));
        if (!Integer.valueOf(FORMAT_VERSION).equals(tree.get("format_version"))) {
            throw new CheckpointException(
                    "format_version of %s is %s, this program reads %d"
                            .formatted(STATE, tree.get("format_version"), FORMAT_VERSION));
        }
        requireSameSpec(identity.spec(), tree.get("spec"));
        LoopState state = LoopState.of(branch(tree, "loop"));
        copyInto(folder.resolve(TENSORS), tensorsAt.apply(state));
        return new Restored(state, identity.environment().equals(tree.get("environment")));
    }

    private static Map<String, ?> branch(Map<String, Object> tree, String key) {
        if (!(tree.get(key) instanceof Map<?, ?> branch)) {
            throw new CheckpointException("%s has no '%s'".formatted(STATE, key));
        }
        Map<String, Object> typed = new LinkedHashMap<>();
        branch.forEach((name, value) -> typed.put(name.toString(), value));
        return typed;
    }

    private static void requireSameSpec(Map<String, ?> expected, @Nullable Object found) {
        if (expected.equals(found)) {
            return;
        }
        List<String> differences = new ArrayList<>();
        Map<?, ?> stored = found instanceof Map<?, ?> map ? map : Map.of();
        TreeSet<String> keys = new TreeSet<>(expected.keySet());
        stored.keySet().forEach(key -> keys.add(key.toString()));
        for (String key : keys) {
            String ours = String.valueOf(expected.get(key));
            String theirs = String.valueOf(stored.get(key));
            if (!ours.equals(theirs)) {
                differences.add("%s is %s there and %s here".formatted(key, theirs, ours));
            }
        }
        if (!differences.isEmpty()) {
            throw new CheckpointException(
                    "the checkpoint is of another run: " + String.join("; ", differences));
        }
    }

    private static void copyInto(Path file, Map<String, Tensor> tensors) {
        try (SafetensorsFile stored = SafetensorsFile.open(file)) {
            List<String> faults = new ArrayList<>();
            for (Map.Entry<String, Tensor> wanted : tensors.entrySet()) {
                Tensor target = wanted.getValue();
                StoredTensor source = stored.find(wanted.getKey()).orElse(null);
                if (source == null) {
                    faults.add("no tensor " + wanted.getKey());
                } else if (source.type() != storedType(target)
                        || !source.shape().equals(shape(target.shape()))) {
                    faults.add("%s does not fit %s".formatted(source, target));
                } else {
                    target.setBytes(stored.bytes(wanted.getKey()));
                }
            }
            if (!faults.isEmpty()) {
                throw new CheckpointException(file + ": " + String.join("; ", faults));
            }
        }
    }

    private static StoredType storedType(Tensor tensor) {
        return switch (tensor.type()) {
            case F32 -> StoredType.F32;
            case BF16 -> StoredType.BF16;
            case U8 -> StoredType.U8;
            case I32 -> StoredType.I32;
            case I64 -> StoredType.I64;
        };
    }

    private static List<Long> shape(long[] sizes) {
        return Arrays.stream(sizes).boxed().toList();
    }
}
