package dev.tunesmith.bench.speed;

import dev.tunesmith.contracts.fit.MemoryPlan;
import dev.tunesmith.contracts.fit.ModelFacts;
import dev.tunesmith.contracts.fit.Workload;
import dev.tunesmith.contracts.job.AdapterSpec.FrozenForm;
import dev.tunesmith.contracts.job.AdapterSpec.Quantization;
import dev.tunesmith.engine.adapter.Adapter;
import dev.tunesmith.engine.adapter.kind.LoraConfig;
import dev.tunesmith.engine.adapter.site.Targets;
import dev.tunesmith.engine.data.TokenBatch;
import dev.tunesmith.engine.io.ModelDirectory;
import dev.tunesmith.engine.model.Decoder;
import dev.tunesmith.engine.nn.Head;
import dev.tunesmith.engine.nn.Linear;
import dev.tunesmith.engine.nn.Parameter;
import dev.tunesmith.engine.optim.AdamW;
import dev.tunesmith.engine.optim.ParameterGroup;
import dev.tunesmith.engine.quant.FourBitFormat;
import dev.tunesmith.engine.tape.CheckpointPolicy;
import dev.tunesmith.engine.tape.Tape;
import dev.tunesmith.engine.tensor.DType;
import dev.tunesmith.engine.tensor.Region;
import dev.tunesmith.engine.tensor.StepArena;
import dev.tunesmith.engine.tensor.Tensor;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;

/// Tokens a second of training on random tokens: any model folder, bf16, documents of one length.
final class TrainSpeed {
    private static final int RANK = 16;
    private static final int FIRST_TOKEN = 3;
    private static final int RANDOM_TOKENS = 8000;
    private static final double GIB = 1 << 30;

    private final Setup setup;
    private final PrintStream progress;

    /// Which weights train.
    enum Method {
        /// Rank 16 on every linear layer but the head; the model stays as it is.
        LORA,
        /// The same beside NF4 weights with quantised scales.
        QLORA,
        /// Every weight, with fp32 masters.
        FULL
    }

    /// What is measured.
    ///
    /// @param documents of a batch, each `length` tokens long
    record Setup(
            Path model, Method method, int documents, int length, int steps, Recompute recompute) {

        int tokens() {
            return documents * length;
        }
    }

    /// Which blocks compute their intermediate results again in the backward pass.
    enum Recompute {
        NONE,
        BLOCK;

        CheckpointPolicy policy() {
            return this == NONE ? CheckpointPolicy.keepAll() : CheckpointPolicy.recomputeAll();
        }
    }

    /// @param progress gets a line for each step
    TrainSpeed(Setup setup, PrintStream progress) {
        this.setup = setup;
        this.progress = progress;
    }

    /// Trains and returns the figures: the rate is that of the median step after the first.
    Map<String, Object> measure() {
        ModelDirectory directory = ModelDirectory.open(setup.model());
        boolean full = setup.method() == Method.FULL;
        Decoder.Loading loading = full ? Decoder.Loading.WRITABLE : Decoder.Loading.MAPPED;
        Optional<FourBitFormat> quantised =
                setup.method() == Method.QLORA
                        ? Optional.of(FourBitFormat.qlora())
                        : Optional.empty();
        try (Decoder decoder =
                        Decoder.load(directory, new Decoder.Form(DType.BF16, loading, quantised));
                StepArena arena = StepArena.unlimited();
                Region state = Region.lasting("optimizer")) {
            if (full) {
                decoder.trainAll(state);
                return train(directory, decoder, decoder.parameters(), arena, state);
            }
            LoraConfig config =
                    LoraConfig.plain("random", RANK, 2.0 * RANK, 0, Targets.allLinear());
            try (Adapter adapter = Adapter.fresh(decoder, config, 1)) {
                adapter.train();
                return train(directory, decoder, adapter.parameters(), arena, state);
            }
        }
    }

    private Map<String, Object> train(
            ModelDirectory directory,
            Decoder decoder,
            List<Parameter> trained,
            StepArena arena,
            Region state) {
        var optimizer =
                new AdamW(ParameterGroup.byDecay(trained, 0), AdamW.Settings.usual(), state);
        double[] seconds = new double[setup.steps()];
        double firstStep = 0;
        for (int step = 0; step < setup.steps(); step++) {
            TokenBatch batch =
                    batch(
                            step,
                            Math.min(RANDOM_TOKENS, decoder.architecture().size().vocabulary()));
            long start = System.nanoTime();
            double loss = step(decoder, arena, batch);
            double norm = optimizer.step(1e-4).gradientNorm();
            optimizer.clearGradients();
            seconds[step] = (System.nanoTime() - start) / 1e9;
            firstStep = step == 0 ? OwnProcess.secondsSinceStart() : firstStep;
            progress.printf(
                    "step %d loss %.4f norm %.3f %.1f tok/s%n",
                    step, loss, norm, setup.tokens() / seconds[step]);
        }
        return figures(directory, decoder, seconds, firstStep, arena);
    }

    private Map<String, Object> figures(
            ModelDirectory directory,
            Decoder decoder,
            double[] seconds,
            double firstStep,
            StepArena arena) {
        double median = Figures.medianAfterFirst(seconds);
        double peak = OwnProcess.peakBytes() / GIB;
        Map<String, Object> figures = new LinkedHashMap<>();
        figures.put("tokens_per_second", Figures.rounded(setup.tokens() / median));
        figures.put("peak_rss_gib", Figures.rounded(peak));
        figures.put("first_step_seconds", Figures.rounded(firstStep));
        double products = productsPerToken(decoder) * setup.tokens() / median;
        figures.put("product_rate_share", Figures.rounded(products / ProductRate.bf16()));
        figures.put("planned_gib", Figures.rounded(planned(directory).total() / GIB));
        figures.put("step_memory_gib", Figures.rounded(arena.peakBytes() / GIB));
        return figures;
    }

    /// Floating-point operations of the matrix products with weights: twice the elements for the
    /// forward pass, as many for the input gradients, and as many again for weight gradients.
    private double productsPerToken(Decoder decoder) {
        double matrices = decoder.head().weight().value().elements();
        for (Linear linear : decoder.linears()) {
            matrices += (double) linear.weight().outputs() * linear.weight().inputs();
        }
        return matrices * (setup.method() == Method.FULL ? 6 : 4);
    }

    private MemoryPlan planned(ModelDirectory directory) {
        int rank = setup.method() == Method.FULL ? 0 : RANK;
        boolean quantised = setup.method() == Method.QLORA;
        Workload work =
                new Workload(
                                rank,
                                List.of("all-linear"),
                                true,
                                setup.documents(),
                                setup.length(),
                                setup.recompute() == Recompute.BLOCK)
                        .withFrozenBits(
                                quantised ? new FrozenForm(Quantization.NF4, true).bits() : 0);
        return MemoryPlan.of(ModelFacts.fromConfig(directory.config()), work);
    }

    private double step(Decoder decoder, StepArena arena, TokenBatch batch) {
        try (Region step = arena.open("step")) {
            Tape tape = Tape.recording(arena, step, 0);
            Tensor hidden_ND = decoder.forward(tape, batch, setup.recompute().policy());
            var targets =
                    new Head.Targets(batch.labels_N(), batch.weights_N(), TokenBatch.NOT_TRAINED);
            Head.Losses losses =
                    decoder.head().loss(tape, hidden_ND, targets, 1 / batch.weightSum());
            tape.backward();
            return losses.weighted() / batch.weightSum();
        }
    }

    private TokenBatch batch(int seed, int words) {
        SplittableRandom random = new SplittableRandom(seed);
        int tokens = setup.tokens();
        int length = setup.length();
        int[] ids_N = new int[tokens];
        int[] positions_N = new int[tokens];
        int[] labels_N = new int[tokens];
        float[] weights_N = new float[tokens];
        int[] cuSeqlens_D1 = new int[setup.documents() + 1];
        for (int n = 0; n < tokens; n++) {
            ids_N[n] = random.nextInt(FIRST_TOKEN, words);
            positions_N[n] = n % length;
        }
        for (int n = 0; n < tokens; n++) {
            boolean last = positions_N[n] == length - 1;
            labels_N[n] = last ? TokenBatch.NOT_TRAINED : ids_N[n + 1];
            weights_N[n] = last ? 0 : 1;
        }
        for (int d = 0; d <= setup.documents(); d++) {
            cuSeqlens_D1[d] = d * length;
        }
        return new TokenBatch(ids_N, positions_N, cuSeqlens_D1, labels_N, weights_N);
    }
}
