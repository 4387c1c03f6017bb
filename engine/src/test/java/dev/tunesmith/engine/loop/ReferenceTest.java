package dev.tunesmith.engine.loop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.tunesmith.contracts.fit.Recompute;
import dev.tunesmith.contracts.job.AdapterSpec;
import dev.tunesmith.contracts.job.Precision;
import dev.tunesmith.contracts.job.ResolvedSpec;
import dev.tunesmith.contracts.method.AdapterKind;
import dev.tunesmith.contracts.method.Method;
import dev.tunesmith.contracts.method.MethodSettings.Kto;
import dev.tunesmith.contracts.method.MethodSettings.Preference;
import dev.tunesmith.contracts.method.ModelRole;
import dev.tunesmith.contracts.method.Reference;
import dev.tunesmith.engine.data.BatchBuilder;
import dev.tunesmith.engine.data.Sample;
import dev.tunesmith.engine.data.TokenBatch;
import dev.tunesmith.engine.io.ModelDirectory;
import dev.tunesmith.engine.loop.LoopObserver.Stop;
import dev.tunesmith.engine.loop.TrainingRun.Sources;
import dev.tunesmith.engine.model.Decoder;
import dev.tunesmith.engine.model.FreshWeights;
import dev.tunesmith.engine.model.UnsupportedModelException;
import dev.tunesmith.engine.objective.KtoObjective;
import dev.tunesmith.engine.objective.Objective;
import dev.tunesmith.engine.objective.Objective.Occasion;
import dev.tunesmith.engine.objective.Policy;
import dev.tunesmith.engine.objective.PreferenceObjective;
import dev.tunesmith.engine.tape.CheckpointPolicy;
import dev.tunesmith.engine.tape.Tape;
import dev.tunesmith.engine.tensor.DType;
import dev.tunesmith.engine.tensor.Region;
import dev.tunesmith.engine.tensor.StepArena;
import dev.tunesmith.engine.tensor.Tensor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// What a policy is compared with: itself before training, the base below its adapter, or a model
/// of its own.
class ReferenceTest {

    private static final double BETA = 0.3;

    @TempDir Path folder;
    private TinyModel model;
    private int runs;

    @BeforeEach
    void createModel() throws IOException {
        model = TinyModel.create(Files.createDirectory(folder.resolve("model")));
    }

    /// A model of the same shape with these weights.
    private ModelDirectory other(String name, long seed) throws IOException {
        return other(name, seed, 320);
    }

    private ModelDirectory other(String name, long seed, int words) throws IOException {
        Path copy = Files.createDirectory(folder.resolve(name));
        Path base = folder.resolve("model").resolve("base");
        for (String file : List.of(ModelDirectory.TOKENIZER, ModelDirectory.TOKENIZER_CONFIG)) {
            Files.copy(base.resolve(file), copy.resolve(file));
        }
        String config = Files.readString(base.resolve(ModelDirectory.CONFIG));
        Files.writeString(
                copy.resolve(ModelDirectory.CONFIG), config.replace("320", String.valueOf(words)));
        FreshWeights.write(copy, seed);
        return ModelDirectory.open(copy);
    }

    /// Log-probability of an answer, from logits that exist as a whole.
    private static double answer(Decoder decoder, TokenBatch batch, int document) {
        try (StepArena arena = StepArena.unlimited();
                Region region = arena.open("whole")) {
            Tape silent = Tape.silent(arena, region);
            Tensor hidden_ND = decoder.forward(silent, batch, CheckpointPolicy.keepAll());
            Tensor logits_NV = decoder.head().logits(silent, hidden_ND);
            float[] all = logits_NV.toFloats();
            int width = (int) logits_NV.width();
            double sum = 0;
            int end = batch.cuSeqlens_D1()[document + 1];
            for (int n = batch.cuSeqlens_D1()[document]; n < end; n++) {
                if (batch.labels_N()[n] != TokenBatch.NOT_TRAINED) {
                    double total = 0;
                    for (int v = 0; v < width; v++) {
                        total += Math.exp(all[n * width + v]);
                    }
                    sum += all[n * width + batch.labels_N()[n]] - Math.log(total);
                }
            }
            return sum;
        }
    }

    private static double sigmoid(double x) {
        return 1 / (1 + Math.exp(-x));
    }

    private static TokenBatch rows(int documents, Optional<float[]> verdicts) {
        RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(5);
        var builder = new BatchBuilder();
        for (int d = 0; d < documents; d++) {
            int length = 7 + random.nextInt(6);
            int[] ids = random.ints(length, 4, 320).toArray();
            float[] weights = new float[length];
            java.util.Arrays.fill(weights, 3, length, 1);
            builder.add(
                    verdicts.isPresent()
                            ? new Sample(ids, weights).withValue(verdicts.get()[d])
                            : new Sample(ids, weights));
        }
        return builder.build();
    }

    private static double loss(Objective objective, TokenBatch batch) {
        try (StepArena arena = StepArena.unlimited();
                Region region = arena.open("part")) {
            Objective.Step step = objective.begin(arena, List.of(batch), new Occasion(0, 0, true));
            return step.loss(Tape.silent(arena, region), 0).mean();
        }
    }

    @Test
    void pairsAreComparedByTheLogProbabilitiesOfTheOtherModel() throws IOException {
        TokenBatch batch = rows(6, Optional.empty());
        try (Decoder policy = load(ModelDirectory.open(folder.resolve("model").resolve("base")));
                Decoder reference = load(other("other", 11))) {
            double expected = 0;
            for (int d = 0; d < 6; d += 2) {
                double margin =
                        answer(policy, batch, d)
                                - answer(reference, batch, d)
                                - answer(policy, batch, d + 1)
                                + answer(reference, batch, d + 1);
                expected -= Math.log(sigmoid(BETA * margin)) / 3;
            }
            var objective =
                    new PreferenceObjective(
                            policy(policy), Optional.of(reference), Preference.dpo(BETA));
            assertThat(loss(objective, batch)).isCloseTo(expected, within(1e-4));
            assertThat(expected).isNotCloseTo(Math.log(2), within(1e-2));
        }
    }

    @Test
    void verdictsAreComparedByTheLogProbabilitiesOfTheOtherModel() throws IOException {
        float[] verdicts = {1, 0, 1, 0};
        TokenBatch batch = rows(verdicts.length, Optional.of(verdicts));
        try (Decoder policy = load(ModelDirectory.open(folder.resolve("model").resolve("base")));
                Decoder reference = load(other("other", 11))) {
            double expected = 0;
            for (int d = 0; d < verdicts.length; d++) {
                double ratio = answer(policy, batch, d) - answer(reference, batch, d);
                expected += sigmoid(verdicts[d] == 1 ? -BETA * ratio : BETA * ratio) / 4;
            }
            var objective =
                    new KtoObjective(
                            policy(policy),
                            reference,
                            new Kto(Kto.Variant.APO_ZERO_UNPAIRED, BETA, 1, 1, Reference.START));
            assertThat(loss(objective, batch)).isCloseTo(expected, within(1e-4));
        }
    }

    private static Policy policy(Decoder decoder) {
        return new Policy(decoder, CheckpointPolicy.of(Recompute.NONE));
    }

    private static Decoder load(ModelDirectory files) {
        return Decoder.load(files, DType.F32, Decoder.Loading.MAPPED);
    }

    /// A second model with the policy's weights is the policy before training, bit for bit; one
    /// with others is not.
    @ParameterizedTest
    @EnumSource(
            value = Method.class,
            names = {"SUPERVISED", "DPO", "KTO", "PPO", "GRPO"})
    void aSecondModelTakesThePlaceOfThePolicyBeforeTraining(Method method) throws IOException {
        var named = new Reference("second");
        List<Double> before = losses(method, TinyModel.FULL, Reference.START, Optional.empty());
        List<Double> same =
                losses(method, TinyModel.FULL, named, Optional.of(companion(other("same", 7))));
        List<Double> others =
                losses(method, TinyModel.FULL, named, Optional.of(companion(other("far", 11))));
        assertThat(same).isEqualTo(before);
        assertThat(others.getFirst()).isNotCloseTo(before.getFirst(), within(1e-4));
    }

    /// Before the first step the policy is its reference, whatever its adapter begins with: the
    /// loss is that of a coin.
    @ParameterizedTest
    @EnumSource(
            value = AdapterKind.class,
            names = {"LORA", "DORA", "PISSA", "OLORA", "LOFTQ", "ADALORA", "VERA"})
    void theStartIsThePolicyBeforeTheFirstStep(AdapterKind kind) throws IOException {
        List<Double> losses =
                losses(Method.DPO, TinyModel.variant(kind), Reference.START, Optional.empty());
        assertThat(losses.getFirst()).isCloseTo(Math.log(2), within(2e-6));
    }

    /// The base of a LoftQ are its codes alone.
    @Test
    void theBaseOfALoftQIsWithoutItsFactors() throws IOException {
        AdapterSpec loftq = TinyModel.variant(AdapterKind.LOFTQ);
        List<Double> below = losses(Method.DPO, loftq, Reference.BASE, Optional.empty());
        assertThat(below.getFirst()).isNotCloseTo(Math.log(2), within(1e-4));
    }

    /// Where training goes on with an adapter, the base is the model without it, and a companion
    /// may be the model with it.
    @Test
    void theBaseIsTheModelBelowTheAdapter() throws IOException {
        AdapterSpec lora = TinyModel.lora(0);
        ResolvedSpec first = TinyModel.spec(Method.SUPERVISED, lora, Precision.FP32);
        Path trained = Files.createDirectory(folder.resolve("trained"));
        Path room = Files.createDirectory(folder.resolve("first"));
        try (TrainingRun run =
                TrainingRun.prepare(
                        first, model.sources(Method.SUPERVISED), room, TinyModel.BYTES)) {
            Outcome _ = run.loop(run.start(), new Recorder(_ -> Stop.NO, _ -> {})).run();
            run.writeResult(trained, run.start());
        }
        Optional<Path> going = Optional.of(trained);
        ModelDirectory base = model.sources(Method.DPO).base();
        List<Double> start = losses(Method.DPO, lora, Reference.START, Optional.empty(), going);
        List<Double> below = losses(Method.DPO, lora, Reference.BASE, Optional.empty(), going);
        List<Double> asItWas =
                losses(
                        Method.DPO,
                        lora,
                        new Reference("first"),
                        Optional.of(new Sources.Companion(base, going)),
                        going);
        List<Double> plain =
                losses(
                        Method.DPO,
                        lora,
                        new Reference("base-model"),
                        Optional.of(companion(base)),
                        going);
        assertThat(start.getFirst()).isCloseTo(Math.log(2), within(1e-6));
        assertThat(below.getFirst()).isNotCloseTo(Math.log(2), within(1e-4));
        for (int i = 0; i < start.size(); i++) {
            assertThat(asItWas.get(i)).isCloseTo(start.get(i), within(1e-5));
            assertThat(plain.get(i)).isCloseTo(below.get(i), within(1e-5));
        }
    }

    @Test
    void aReferenceWithOtherWordsIsRefused() throws IOException {
        Sources.Companion far = companion(other("words", 11, 352));
        assertThatThrownBy(() ->
                        losses(
                                Method.DPO,
                                TinyModel.lora(0),
                                new Reference("words"),
                                Optional.of(far)))
                .isInstanceOf(UnsupportedModelException.class)
                .hasMessageContaining("352 words and the model in training 320");
    }

    private static Sources.Companion companion(ModelDirectory files) {
        return new Sources.Companion(files, Optional.empty());
    }

    private List<Double> losses(
            Method method,
            AdapterSpec adapter,
            Reference with,
            Optional<Sources.Companion> companion)
            throws IOException {
        return losses(method, adapter, with, companion, Optional.empty());
    }

    private List<Double> losses(
            Method method,
            AdapterSpec adapter,
            Reference with,
            Optional<Sources.Companion> companion,
            Optional<Path> before)
            throws IOException {
        ResolvedSpec plain = TinyModel.steps(TinyModel.spec(method, adapter, Precision.FP32), 2);
        ResolvedSpec spec = TinyModel.compared(plain, with);
        Sources files = model.sources(method);
        var sources =
                new Sources(
                        files.base(),
                        files.training(),
                        files.validation(),
                        companion.map(c -> Map.of(ModelRole.REFERENCE, c)).orElse(Map.of()),
                        before,
                        List.of());
        Recorder recorder = new Recorder(_ -> Stop.NO, _ -> {});
        Path room = Files.createDirectory(folder.resolve("room" + runs++));
        try (TrainingRun run = TrainingRun.prepare(spec, sources, room, TinyModel.BYTES)) {
            Outcome _ = run.loop(run.start(), recorder).run();
        }
        return recorder.losses();
    }
}
