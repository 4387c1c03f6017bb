package dev.tunesmith.bench.speed;

import dev.tunesmith.contracts.fit.MemoryPlan;
import dev.tunesmith.contracts.fit.ModelFacts;
import dev.tunesmith.contracts.fit.Recompute;
import dev.tunesmith.contracts.fit.Workload;
import dev.tunesmith.contracts.job.AdapterSpec.FrozenForm;
import dev.tunesmith.contracts.job.AdapterSpec.Quantization;
import dev.tunesmith.contracts.method.MethodSettings.Preference;
import dev.tunesmith.engine.adapter.Adapter;
import dev.tunesmith.engine.adapter.kind.LoraConfig;
import dev.tunesmith.engine.adapter.site.Targets;
import dev.tunesmith.engine.data.TokenBatch;
import dev.tunesmith.engine.io.ModelDirectory;
import dev.tunesmith.engine.model.Decoder;
import dev.tunesmith.engine.nn.AttentionShape;
import dev.tunesmith.engine.nn.Linear;
import dev.tunesmith.engine.nn.Parameter;
import dev.tunesmith.engine.objective.Objective;
import dev.tunesmith.engine.objective.Policy;
import dev.tunesmith.engine.objective.PreferenceObjective;
import dev.tunesmith.engine.objective.TokenObjective;
import dev.tunesmith.engine.optim.Optimizer;
import dev.tunesmith.engine.optim.ParameterGroup;
import dev.tunesmith.engine.quant.FourBitFormat;
import dev.tunesmith.engine.tape.CheckpointPolicy;
import dev.tunesmith.engine.tape.InputFile;
import dev.tunesmith.engine.tape.Tape;
import dev.tunesmith.engine.tensor.CudaDevice;
import dev.tunesmith.engine.tensor.DType;
import dev.tunesmith.engine.tensor.Device;
import dev.tunesmith.engine.tensor.Region;
import dev.tunesmith.engine.tensor.StepArena;
import dev.tunesmith.kernels.cpu.CpuKernels;
import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
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
    private Optional<InputFile> inputs = Optional.empty();

    /// Which weights train.
    enum Method {
        /// Rank 16 on every linear layer but the head; the model stays as it is.
        LORA,
        /// The same beside NF4 weights with quantised scales.
        QLORA,
        /// Every weight, with fp32 masters.
        FULL,
        /// As LORA, on pairs of answers with a prompt of half a document; the reference is the
        /// model without the adapter.
        DPO;

        /// Products with a weight for each token, in pairs of operations: forward, input gradient
        /// and weight gradient, and the forward pass of a reference.
        private int products() {
            return switch (this) {
                case LORA, QLORA -> 2;
                case FULL, DPO -> 3;
            };
        }
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

    /// @param progress gets a line for each step
    TrainSpeed(Setup setup, PrintStream progress) {
        this.setup = setup;
        this.progress = progress;
    }

    /// Trains and returns the figures: the rate is that of the median step after the first.
    Map<String, Object> measure() {
        if (setup.recompute() != Recompute.OFFLOAD) {
            return measured();
        }
        String name = "tunesmith-inputs-" + ProcessHandle.current().pid();
        try (InputFile file = new InputFile(Path.of(System.getProperty("java.io.tmpdir"), name))) {
            inputs = Optional.of(file);
            return measured();
        } catch (IOException e) {
            throw new UncheckedIOException("opening a file for inputs of blocks", e);
        }
    }

    private Map<String, Object> measured() {
        ModelDirectory directory = ModelDirectory.open(setup.model());
        boolean full = setup.method() == Method.FULL;
        Decoder.Loading loading = full ? Decoder.Loading.WRITABLE : Decoder.Loading.MAPPED;
        Optional<FourBitFormat> quantised =
                setup.method() == Method.QLORA
                        ? Optional.of(FourBitFormat.qlora())
                        : Optional.empty();
        try (StepArena arena = StepArena.planned(planned(directory));
                Decoder decoder =
                        Decoder.load(directory, new Decoder.Form(DType.BF16, loading, quantised));
                Region state = Region.lasting("optimizer")) {
            Policy policy = new Policy(decoder, CheckpointPolicy.of(setup.recompute()));
            if (full) {
                decoder.trainAll(state);
                var model = new Subject(directory, decoder, decoder.trainable());
                return train(model, new TokenObjective(policy), arena, state);
            }
            Objective objective =
                    setup.method() == Method.DPO
                            ? new PreferenceObjective(
                                    policy,
                                    Optional.of(decoder.share()),
                                    Preference.dpo(Preference.BETA))
                            : new TokenObjective(policy);
            LoraConfig config =
                    LoraConfig.plain("random", RANK, 2.0 * RANK, 0, Targets.allLinear());
            try (Adapter adapter = Adapter.fresh(decoder, config, 1)) {
                adapter.train();
                var model = new Subject(directory, decoder, adapter.parameters());
                return train(model, objective, arena, state);
            }
        }
    }

    /// What trains.
    private record Subject(ModelDirectory directory, Decoder decoder, List<Parameter> trained) {}

    private Map<String, Object> train(
            Subject model, Objective objective, StepArena arena, Region state) {
        List<ParameterGroup> groups = ParameterGroup.byDecay(model.trained(), 0);
        Optimizer optimizer = Optimizer.usual(groups, state);
        int vocabulary = model.decoder().architecture().size().vocabulary();
        double[] seconds = new double[setup.steps()];
        double firstStep = 0;
        for (int step = 0; step < setup.steps(); step++) {
            TokenBatch batch = batch(step, Math.min(RANDOM_TOKENS, vocabulary));
            long start = System.nanoTime();
            double loss = step(objective, arena, batch);
            double norm = optimizer.step(1e-4).gradientNorm();
            optimizer.clearGradients();
            seconds[step] = (System.nanoTime() - start) / 1e9;
            firstStep = step == 0 ? OwnProcess.secondsSinceStart() : firstStep;
            progress.printf(
                    "step %d loss %.4f norm %.3f %.1f tok/s%n",
                    step, loss, norm, setup.tokens() / seconds[step]);
        }
        return figures(model, seconds, firstStep, arena);
    }

    private Map<String, Object> figures(
            Subject model, double[] seconds, double firstStep, StepArena arena) {
        double median = Figures.medianAfterFirst(seconds);
        double peak = OwnProcess.peakBytes() / GIB;
        Map<String, Object> figures = new LinkedHashMap<>();
        figures.put("tokens_per_second", Figures.rounded(setup.tokens() / median));
        figures.put("peak_rss_gib", Figures.rounded(peak));
        figures.put("first_step_seconds", Figures.rounded(firstStep));
        double products = productsPerToken(model.decoder()) * setup.tokens() / median;
        figures.put("product_rate_share", Figures.rounded(products / ProductRate.bf16()));
        figures.put("product_tflops", Figures.rounded(products / 1e12));
        double attention = attentionPerToken(model.decoder()) * setup.tokens() / median;
        figures.put("model_tflops", Figures.rounded((products + attention) / 1e12));
        if (Device.current() instanceof CudaDevice cuda) {
            double used = cuda.description().memoryBytes() - cuda.freeBytes().orElse(0);
            figures.put("device_gib", Figures.rounded(used / GIB));
        }
        figures.put("planned_gib", Figures.rounded(planned(model.directory()).total() / GIB));
        figures.put("step_memory_gib", Figures.rounded(arena.peakBytes() / GIB));
        return figures;
    }

    /// Floating-point operations of the matrix products with weights that a step cannot do without;
    /// what is computed a second time does not count.
    private double productsPerToken(Decoder decoder) {
        double matrices = decoder.head().weight().value().elements();
        for (Linear linear : decoder.linears()) {
            matrices += (double) linear.weight().outputs() * linear.weight().inputs();
        }
        return matrices * 2 * setup.method().products();
    }

    /// The same for attention: two products of each token with half of its document forward, and
    /// twice that backward; a reference adds a forward pass.
    private double attentionPerToken(Decoder decoder) {
        AttentionShape shape = decoder.architecture().attention();
        double width = (double) shape.heads() * shape.headWidth();
        int passes = setup.method() == Method.DPO ? 4 : 3;
        return 2.0 * setup.length() * width * decoder.architecture().size().layers() * passes;
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
                                setup.recompute())
                        .withThreads(CpuKernels.threads())
                        .withFrozenBits(
                                quantised ? new FrozenForm(Quantization.NF4, true).bits() : 0);
        return MemoryPlan.of(ModelFacts.fromConfig(directory.config()), work);
    }

    private double step(Objective objective, StepArena arena, TokenBatch batch) {
        var occasion = new Objective.Occasion(0, 0, true);
        Objective.Step whole = objective.begin(arena, List.of(batch), occasion);
        try (Region step = arena.open("step")) {
            Tape tape = Tape.recording(arena, step, 0);
            inputs.ifPresent(tape::leaveInputsIn);
            double loss = whole.loss(tape, 0).mean();
            tape.backward();
            return loss;
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
        int prompt = setup.method() == Method.DPO ? length / 2 : 0;
        for (int n = 0; n < tokens; n++) {
            boolean trained = positions_N[n] < length - 1 && positions_N[n] + 1 >= prompt;
            labels_N[n] = trained ? ids_N[n + 1] : TokenBatch.NOT_TRAINED;
            weights_N[n] = trained ? 1 : 0;
        }
        for (int d = 0; d <= setup.documents(); d++) {
            cuSeqlens_D1[d] = d * length;
        }
        return new TokenBatch(ids_N, positions_N, cuSeqlens_D1, labels_N, weights_N);
    }
}
