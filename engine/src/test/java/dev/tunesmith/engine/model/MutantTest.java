package dev.tunesmith.engine.model;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tunesmith.engine.adapter.Adapter;
import dev.tunesmith.engine.data.TokenBatch;
import dev.tunesmith.engine.io.ModelDirectory;
import dev.tunesmith.engine.io.SafetensorsFile;
import dev.tunesmith.engine.io.SafetensorsWriter;
import dev.tunesmith.engine.io.StoredTensor;
import dev.tunesmith.engine.io.StoredType;
import dev.tunesmith.engine.ops.DocumentAttention;
import dev.tunesmith.engine.tape.CheckpointPolicy;
import dev.tunesmith.engine.tape.Tape;
import dev.tunesmith.engine.tensor.DType;
import dev.tunesmith.engine.tensor.Region;
import dev.tunesmith.engine.tensor.StepArena;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Deliberately wrong variants of the engine miss the golden logits by far: the golden cases would
/// tell each of these faults.
class MutantTest {
    private static final Path GOLDEN = Path.of("src/test/resources/golden");
    private static final Path LLAMA = GOLDEN.resolve("families/llama");
    private static final Path ADAPTED = GOLDEN.resolve("adapters/base/llama");

    /// What the golden cases allow.
    private static final double TOLERANCE = 1e-4;

    /// How many times as much a fault must make at least.
    private static final double MARGIN = 100;

    @TempDir private Path folder;

    @Test
    void theEngineAsItIsMeetsTheLogits() throws IOException {
        assertThat(ofModel(LLAMA.resolve("model"), UnaryOperator.identity(), 0))
                .isLessThan(TOLERANCE);
        assertThat(ofAdapter(GOLDEN.resolve("adapters/lora_qv/adapter"))).isLessThan(TOLERANCE);
    }

    @Test
    void aWrongOffsetOfRotaryPositionsShows() throws IOException {
        shows(ofModel(LLAMA.resolve("model"), UnaryOperator.identity(), 1));
    }

    @Test
    void aMissingMaskShows() throws IOException {
        UnaryOperator<Architecture> unmasked =
                read -> {
                    Architecture.Positions own = read.positions();
                    return read.with(
                            new Architecture.Positions(
                                    Collections.nCopies(
                                            read.size().layers(), DocumentAttention.BOTH_WAYS),
                                    own.rotaries(),
                                    own.rotaryOf_L()));
                };
        shows(ofModel(LLAMA.resolve("model"), unmasked, 0));
    }

    @Test
    void swappedBranchesOfTheMlpShow() throws IOException {
        Path model = copy(LLAMA.resolve("model"));
        rewrite(
                model.resolve(ModelDirectory.WEIGHTS),
                (tensor, file) -> new Renamed(swapped(tensor.name()), file.floats(tensor.name())));
        shows(ofModel(model, UnaryOperator.identity(), 0));
    }

    private static String swapped(String name) {
        return name.contains("gate_proj")
                ? name.replace("gate_proj", "up_proj")
                : name.replace("up_proj", "gate_proj");
    }

    /// Where a layer is square, factors of the transposed product have the same shapes.
    @Test
    void aTransposedAdapterShows() throws IOException {
        Path adapter = copy(GOLDEN.resolve("adapters/lora_qv/adapter"));
        rewrite(
                adapter.resolve(Adapter.WEIGHTS),
                (tensor, file) -> {
                    String name = tensor.name();
                    boolean square = name.contains("q_proj");
                    String other =
                            name.contains("lora_A")
                                    ? name.replace("lora_A", "lora_B")
                                    : name.replace("lora_B", "lora_A");
                    return new Renamed(
                            name,
                            square
                                    ? transposed(file.floats(other), file.tensor(other).shape())
                                    : file.floats(name));
                });
        shows(ofAdapter(adapter));
    }

    private static float[] transposed(float[] values, List<Long> shape) {
        int rows = shape.getFirst().intValue();
        int columns = shape.getLast().intValue();
        float[] result = new float[values.length];
        for (int i = 0; i < values.length; i++) {
            result[i % columns * rows + i / columns] = values[i];
        }
        return result;
    }

    private static void shows(double distance) {
        assertThat(distance).isGreaterThan(MARGIN * TOLERANCE);
    }

    /// Largest distance from the golden logits.
    ///
    /// @param offset added to positions from the tenth token of each document on
    private static double ofModel(Path model, UnaryOperator<Architecture> change, int offset) {
        ModelDirectory directory = ModelDirectory.open(model);
        Architecture architecture = change.apply(Architecture.of(directory.config()));
        try (Decoder decoder = DecoderReader.read(directory, form(), architecture)) {
            return distance(LLAMA, LLAMA, decoder, offset);
        }
    }

    private static double ofAdapter(Path adapter) {
        ModelDirectory base = ModelDirectory.open(ADAPTED.resolve("model"));
        try (Decoder decoder = Decoder.load(base, form());
                Adapter _ = Adapter.load(decoder, adapter)) {
            return distance(ADAPTED, GOLDEN.resolve("adapters/lora_qv"), decoder, 0);
        }
    }

    private static Decoder.Form form() {
        return Decoder.Form.dense(DType.F32, Decoder.Loading.MAPPED);
    }

    private static double distance(Path base, Path expected, Decoder decoder, int offset) {
        try (SafetensorsFile rows = SafetensorsFile.open(base.resolve("batch.safetensors"));
                SafetensorsFile golden =
                        SafetensorsFile.open(expected.resolve("expected.safetensors"));
                StepArena arena = StepArena.unlimited();
                Region step = arena.open("mutant")) {
            Tape tape = Tape.silent(arena, step);
            TokenBatch batch = batch(rows, offset);
            float[] found =
                    decoder.head()
                            .logits(tape, decoder.forward(tape, batch, CheckpointPolicy.keepAll()))
                            .toFloats();
            float[] wanted = golden.floats("logits");
            assertThat(found).hasSameSizeAs(wanted);
            double worst = 0;
            for (int i = 0; i < found.length; i++) {
                worst = Math.max(worst, Math.abs(found[i] - wanted[i]));
            }
            return worst;
        }
    }

    /// Rows without their padding, end to end.
    private static TokenBatch batch(SafetensorsFile rows, int offset) {
        long[] ids = rows.integers("input_ids");
        long[] mask = rows.integers("attention_mask");
        int count = rows.tensor("input_ids").shape().getFirst().intValue();
        int width = ids.length / count;
        int tokens = (int) Arrays.stream(mask).sum();
        int[] ids_N = new int[tokens];
        int[] positions_N = new int[tokens];
        int[] cuSeqlens_D1 = new int[count + 1];
        int n = 0;
        for (int row = 0; row < count; row++) {
            for (int i = 0; i < width && mask[row * width + i] == 1; i++, n++) {
                ids_N[n] = (int) ids[row * width + i];
                positions_N[n] = i + (i < 9 ? 0 : offset);
            }
            cuSeqlens_D1[row + 1] = n;
        }
        int[] labels_N = new int[tokens];
        Arrays.fill(labels_N, TokenBatch.NOT_TRAINED);
        return new TokenBatch(ids_N, positions_N, cuSeqlens_D1, labels_N, new float[tokens]);
    }

    private record Renamed(String name, float[] values) {}

    @FunctionalInterface
    private interface Change {
        Renamed of(StoredTensor tensor, SafetensorsFile file);
    }

    private Path copy(Path source) throws IOException {
        try (Stream<Path> files = Files.list(source)) {
            for (Path file : files.toList()) {
                Files.copy(file, folder.resolve(file.getFileName()));
            }
        }
        return folder;
    }

    private static void rewrite(Path path, Change change) throws IOException {
        var writer = new SafetensorsWriter(Map.of("format", "pt"));
        try (SafetensorsFile file = SafetensorsFile.open(path)) {
            for (StoredTensor tensor : file.tensors()) {
                assertThat(tensor.type()).isEqualTo(StoredType.F32);
                Renamed changed = change.of(tensor, file);
                writer.add(changed.name(), tensor.shape(), changed.values());
            }
        }
        Files.delete(path);
        writer.write(path);
    }
}
