package dev.tunesmith.bench.speed;

import dev.tunesmith.engine.adapter.LoraAdapter;
import dev.tunesmith.engine.adapter.LoraConfig;
import dev.tunesmith.engine.adapter.Targets;
import dev.tunesmith.engine.data.TokenBatch;
import dev.tunesmith.engine.io.ModelDirectory;
import dev.tunesmith.engine.model.Decoder;
import dev.tunesmith.engine.nn.Head;
import dev.tunesmith.engine.optim.AdamW;
import dev.tunesmith.engine.optim.ParameterGroup;
import dev.tunesmith.engine.tape.CheckpointPolicy;
import dev.tunesmith.engine.tape.Tape;
import dev.tunesmith.engine.tensor.DType;
import dev.tunesmith.engine.tensor.Region;
import dev.tunesmith.engine.tensor.StepArena;
import dev.tunesmith.engine.tensor.Tensor;
import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.stream.Stream;

/// Tokens a second of LoRA training: a 135 M Llama shape, bf16, rank 16 on all linear layers.
public final class LoraSpeed {

    private static final int RANK = 16;
    private static final int RANDOM_TOKENS = 8000;

    private final int documents;
    private final int length;
    private final CheckpointPolicy policy;
    private final PrintStream out;

    /// Measures batches of `documents` × `length` tokens.
    public LoraSpeed(int documents, int length, CheckpointPolicy policy, PrintStream out) {
        this.documents = documents;
        this.length = length;
        this.policy = policy;
        this.out = out;
    }

    /// Runs `steps` steps and prints the rate of each and of the median.
    public void run(int steps) {
        try {
            Path folder = Files.createTempDirectory("tunesmith-bench-");
            try {
                measure(Shape.small135m(), folder.resolve("model"), steps);
            } finally {
                delete(folder);
            }
        } catch (IOException e) {
            throw new UncheckedIOException("writing the model to measure", e);
        }
    }

    private void measure(Shape shape, Path folder, int steps) throws IOException {
        ModelDirectory directory = shape.write(folder);
        StepArena arena = StepArena.unlimited();
        LoraConfig config = LoraConfig.plain("random", RANK, 2.0 * RANK, 0, Targets.allLinear());
        try (Decoder decoder = Decoder.load(directory, DType.BF16, Decoder.Loading.MAPPED);
                LoraAdapter adapter = LoraAdapter.fresh(decoder, config, 1);
                Region state = Region.lasting("optimizer")) {
            adapter.train();
            AdamW optimizer =
                    new AdamW(
                            ParameterGroup.byDecay(adapter.parameters(), 0),
                            AdamW.Settings.usual(),
                            state);
            double[] seconds = new double[steps];
            for (int step = 0; step < steps; step++) {
                TokenBatch batch = batch(step);
                long start = System.nanoTime();
                Duration cpu = cpuTime();
                double loss = step(decoder, arena, batch);
                double norm = optimizer.step(1e-4).gradientNorm();
                seconds[step] = (System.nanoTime() - start) / 1e9;
                out.printf(
                        "step %d loss %.4f norm %.3f %.1f tok/s, %.2f CPU seconds%n",
                        step,
                        loss,
                        norm,
                        batch.tokens() / seconds[step],
                        cpuTime().minus(cpu).toMillis() / 1e3);
            }
            Arrays.sort(seconds);
            double median = seconds[steps / 2];
            double flops = 4.0 * shape.matrixParameters() * documents * length;
            out.printf(
                    "RESULT lora 135m %d×%d: %.1f tok/s, %.0f GFLOP/s of products, step memory"
                            + " %.2f GiB%n",
                    documents,
                    length,
                    documents * length / median,
                    flops / median / 1e9,
                    arena.peakBytes() / (double) (1 << 30));
        } finally {
            arena.close();
        }
    }

    /// Processor time of this process: on a machine that others use too it says more than the
    /// clock.
    private static Duration cpuTime() {
        return ProcessHandle.current().info().totalCpuDuration().orElse(Duration.ZERO);
    }

    private double step(Decoder decoder, StepArena arena, TokenBatch batch) {
        try (Region step = arena.open("step")) {
            Tape tape = Tape.recording(arena, step, 0);
            Tensor hidden_ND = decoder.forward(tape, batch, policy);
            var targets =
                    new Head.Targets(batch.labels_N(), batch.weights_N(), TokenBatch.NOT_TRAINED);
            Head.Losses losses =
                    decoder.head().loss(tape, hidden_ND, targets, 1 / batch.weightSum());
            tape.backward();
            return losses.weighted() / batch.weightSum();
        }
    }

    private TokenBatch batch(int seed) {
        SplittableRandom random = new SplittableRandom(seed);
        int tokens = documents * length;
        int[] ids = new int[tokens];
        int[] positions = new int[tokens];
        int[] labels = new int[tokens];
        float[] weights = new float[tokens];
        int[] cuSeqlens = new int[documents + 1];
        for (int n = 0; n < tokens; n++) {
            ids[n] = random.nextInt(3, RANDOM_TOKENS);
            positions[n] = n % length;
        }
        for (int n = 0; n < tokens; n++) {
            boolean last = positions[n] == length - 1;
            labels[n] = last ? TokenBatch.NOT_TRAINED : ids[n + 1];
            weights[n] = last ? 0 : 1;
        }
        for (int d = 0; d <= documents; d++) {
            cuSeqlens[d] = d * length;
        }
        return new TokenBatch(ids, positions, cuSeqlens, labels, weights);
    }

    private static void delete(Path folder) throws IOException {
        try (Stream<Path> files = Files.walk(folder)) {
            for (Path file : files.sorted(java.util.Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        }
    }
}
