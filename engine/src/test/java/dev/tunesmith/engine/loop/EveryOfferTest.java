package dev.tunesmith.engine.loop;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tunesmith.contracts.fit.Recompute;
import dev.tunesmith.contracts.job.AdapterSpec;
import dev.tunesmith.contracts.job.AdapterSpec.FrozenForm;
import dev.tunesmith.contracts.job.AdapterSpec.Quantization;
import dev.tunesmith.contracts.job.Overflow;
import dev.tunesmith.contracts.job.Precision;
import dev.tunesmith.contracts.job.ResolvedSpec;
import dev.tunesmith.contracts.method.AdapterKind;
import dev.tunesmith.contracts.method.Divergence;
import dev.tunesmith.contracts.method.GroupLoss;
import dev.tunesmith.contracts.method.GroupSettings;
import dev.tunesmith.contracts.method.KlEstimator;
import dev.tunesmith.contracts.method.Method;
import dev.tunesmith.contracts.method.MethodSettings;
import dev.tunesmith.contracts.method.MethodSettings.Ppo;
import dev.tunesmith.contracts.method.MethodSettings.Preference;
import dev.tunesmith.contracts.method.PairLoss;
import dev.tunesmith.contracts.method.Reference;
import dev.tunesmith.contracts.method.TokenLoss;
import dev.tunesmith.contracts.optim.Curve;
import dev.tunesmith.contracts.optim.OptimizerSpec;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/// Whatever a job may ask for by name runs: every value of each enumeration takes two steps.
/// Methods, optimizers, losses of pairs and kinds of adapters do so in [ResumeTest].
class EveryOfferTest {

    @TempDir Path folder;
    private TinyModel model;

    @BeforeEach
    void createModel() throws IOException {
        model = TinyModel.create(Files.createDirectory(folder.resolve("model")));
    }

    private static ResolvedSpec plain(Method method, AdapterSpec adapter) {
        return TinyModel.spec(method, adapter, Precision.BF16);
    }

    static Stream<Arguments> offers() {
        ResolvedSpec chat = plain(Method.SUPERVISED, TinyModel.lora(0));
        ResolvedSpec whole = plain(Method.SUPERVISED, TinyModel.FULL);
        return Stream.of(
                        Arrays.stream(TokenLoss.values())
                                .map(loss -> offer(loss, TinyModel.with(chat, tokens(loss)))),
                        Arrays.stream(Divergence.values())
                                .map(kind -> offer(kind, withSettings(Method.DPO, pairs(kind)))),
                        Arrays.stream(KlEstimator.values())
                                .map(kind -> offer(kind, withSettings(Method.PPO, ppo(kind)))),
                        Arrays.stream(GroupLoss.Kind.values())
                                .flatMap(kind ->
                                        Stream.of(false, true)
                                                .map(sequence ->
                                                        offer(
                                                                kind,
                                                                withSettings(
                                                                        Method.GRPO,
                                                                        group(kind, sequence))))),
                        Arrays.stream(Curve.Kind.values())
                                .map(kind ->
                                        offer(
                                                kind,
                                                TinyModel.with(
                                                        chat,
                                                        OptimizerSpec.ADAMW,
                                                        Curve.usual(kind)))),
                        Arrays.stream(Quantization.values())
                                .filter(kind -> kind != Quantization.NONE)
                                .flatMap(kind ->
                                        Stream.of(false, true)
                                                .map(doubled ->
                                                        offer(kind, beside(kind, doubled)))),
                        Arrays.stream(Recompute.values())
                                .flatMap(kind ->
                                        Stream.of(chat, whole)
                                                .map(spec ->
                                                        offer(kind, TinyModel.with(spec, kind)))),
                        Arrays.stream(Overflow.values())
                                .filter(kind -> kind != Overflow.ERROR)
                                .map(kind -> offer(kind, TinyModel.cutting(chat, kind))))
                .flatMap(offers -> offers);
    }

    private static Arguments offer(Enum<?> value, ResolvedSpec spec) {
        return Arguments.of(
                "%s %s".formatted(value.getDeclaringClass().getSimpleName(), value), spec);
    }

    private static ResolvedSpec withSettings(Method method, MethodSettings settings) {
        return TinyModel.with(plain(method, TinyModel.lora(0)), settings);
    }

    static MethodSettings tokens(TokenLoss loss) {
        return new MethodSettings.Supervised(loss, 0, 1, 0, false, 0.1, Reference.START);
    }

    private static MethodSettings pairs(Divergence divergence) {
        return new Preference(
                0.1,
                List.of(PairLoss.SIGMOID),
                List.of(1.0),
                0,
                divergence,
                0.5,
                0.05,
                null,
                false,
                false,
                Reference.START);
    }

    private static MethodSettings ppo(KlEstimator estimator) {
        Ppo tiny = (Ppo) plain(Method.PPO, TinyModel.FULL).settings();
        return new Ppo(
                tiny.rollout(),
                new Ppo.Distance(estimator, 0.02, 1.0, 100),
                tiny.credit(),
                tiny.update(),
                tiny.grader(),
                Reference.START);
    }

    static GroupSettings group(GroupLoss.Kind kind, boolean perSequence) {
        GroupSettings tiny = (GroupSettings) plain(Method.GRPO, TinyModel.FULL).settings();
        GroupLoss loss = tiny.loss();
        return new GroupSettings(
                tiny.method(),
                tiny.answers(),
                tiny.rollout(),
                new GroupLoss(kind, perSequence, loss.clip(), loss.price(), loss.entropy()),
                tiny.rewarding(),
                tiny.updates(),
                tiny.exam(),
                tiny.grader(),
                Reference.START);
    }

    private static ResolvedSpec beside(Quantization kind, boolean doubled) {
        AdapterSpec.Lora lora = (AdapterSpec.Lora) TinyModel.lora(0);
        return plain(Method.SUPERVISED, lora.withFrozen(new FrozenForm(kind, doubled)));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("offers")
    void whatIsOfferedRuns(String name, ResolvedSpec offered) throws IOException {
        ResolvedSpec spec = TinyModel.steps(offered, 2);
        Recorder recorder = new Recorder();
        Path room = Files.createDirectory(folder.resolve("room"));
        try (TrainingRun run =
                TrainingRun.prepare(spec, model.sources(spec.method()), room, TinyModel.BYTES)) {
            assertThat(run.loop(run.start(), recorder).run())
                    .as(name)
                    .isInstanceOf(Outcome.Finished.class);
        }
        assertThat(recorder.losses()).hasSize(2).allMatch(Double::isFinite);
    }

    /// A new kind of adapter needs a run, too.
    @Test
    void everyKindOfAdapterResumes() {
        Set<AdapterKind> seen = EnumSet.of(AdapterKind.NONE, AdapterKind.LORA, AdapterKind.QLORA);
        Stream.concat(ResumeTest.adapters(), ResumeTest.parts())
                .map(arguments -> (AdapterSpec) arguments.get()[0])
                .forEach(adapter -> seen.add(adapter.kind()));
        assertThat(seen).containsExactlyInAnyOrder(AdapterKind.values());
    }
}
