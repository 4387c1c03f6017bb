package dev.tunesmith.bench.verify;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.tunesmith.bench.PeerPython;
import dev.tunesmith.engine.data.TokenBatch;
import dev.tunesmith.engine.io.ModelDirectory;
import dev.tunesmith.engine.model.Decoder;
import dev.tunesmith.engine.tensor.DType;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/// Asks the real libraries, in the Python environment that `bench/peers/install` makes.
final class Peers {
    private static final Path HOME = Path.of("..");
    private static final ObjectMapper JSON = new ObjectMapper();

    private Peers() {}

    /// What a script of `bench/peers` answers to a request.
    static JsonNode ask(String script, Object request) throws IOException, InterruptedException {
        assumeTrue(
                PeerPython.find(HOME).isPresent(),
                "the peers are not installed: run bench/peers/install, or set TUNESMITH_PEERS");
        Path errors = Files.createTempFile("peer", ".txt");
        Process process =
                new ProcessBuilder(PeerPython.command(HOME, script, List.of()))
                        .redirectError(errors.toFile())
                        .start();
        try (OutputStream to = process.getOutputStream()) {
            JSON.writeValue(to, request);
        }
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        String complaints = Files.readString(errors);
        Files.delete(errors);
        assertThat(process.waitFor()).as("%s failed: %s", script, complaints).isZero();
        return JSON.readTree(said.strip().lines().toList().getLast());
    }

    /// The numbers of a list.
    static double[] numbers(JsonNode list) {
        double[] numbers = new double[list.size()];
        Arrays.setAll(numbers, i -> list.get(i).asDouble());
        return numbers;
    }

    static Decoder load(Path folder) {
        return Decoder.load(ModelDirectory.open(folder), DType.F32, Decoder.Loading.MAPPED);
    }

    /// Our own logits, of every token.
    static float[] logits(Decoder decoder, int[] tokens) {
        int[] labels = new int[tokens.length];
        Arrays.fill(labels, TokenBatch.NOT_TRAINED);
        var batch =
                new TokenBatch(
                        tokens,
                        IntStream.range(0, tokens.length).toArray(),
                        new int[] {0, tokens.length},
                        labels,
                        new float[tokens.length]);
        return new ModelRun(decoder).forward(batch).logits();
    }

    /// Root mean square of the difference by that of the wanted numbers.
    static double relativeError(float[] found, double[] wanted) {
        assertThat(found).hasSize(wanted.length);
        double difference = 0;
        double size = 0;
        for (int i = 0; i < wanted.length; i++) {
            difference += Math.pow(found[i] - wanted[i], 2);
            size += Math.pow(wanted[i], 2);
        }
        return Math.sqrt(difference / size);
    }
}
