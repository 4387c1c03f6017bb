package dev.tunesmith.engine.loop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.tunesmith.contracts.job.AdapterSpec;
import dev.tunesmith.contracts.job.Precision;
import dev.tunesmith.contracts.job.ResolvedSpec;
import dev.tunesmith.contracts.method.AdapterKind;
import dev.tunesmith.contracts.method.Method;
import dev.tunesmith.engine.loop.LoopObserver.Stop;
import dev.tunesmith.engine.loop.subject.SpecRefusedException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// A job can go on with an adapter that another job, or PEFT, has written.
class ContinuedAdapterTest {

    @TempDir private Path folder;
    private TinyModel model;

    @BeforeEach
    void createModel() throws IOException {
        model = TinyModel.create(Files.createDirectory(folder.resolve("model")));
    }

    static Stream<AdapterSpec> kinds() {
        return Stream.of(
                TinyModel.lora(0),
                TinyModel.qlora(),
                TinyModel.refined(),
                TinyModel.variant(AdapterKind.DORA),
                TinyModel.variant(AdapterKind.VERA),
                TinyModel.tuner(AdapterKind.OFT, 8, "all-linear"),
                TinyModel.tuner(AdapterKind.PREFIX_TUNING, 3));
    }

    /// Nothing is lost on the way: what a run of no step writes is what it began with.
    @ParameterizedTest
    @MethodSource("kinds")
    void beginsWithTheAdapterAsItIs(AdapterSpec adapter) throws IOException {
        Path first = run(Method.SUPERVISED, adapter, "first", Optional.empty(), true);
        Path same = run(Method.SUPERVISED, adapter, "same", Optional.of(first), false);
        Path more = run(Method.SUPERVISED, adapter, "more", Optional.of(first), true);
        assertThat(same.resolve("adapter_model.safetensors"))
                .hasSameBinaryContentAs(first.resolve("adapter_model.safetensors"));
        assertThat(Files.readAllBytes(more.resolve("adapter_model.safetensors")))
                .isNotEqualTo(Files.readAllBytes(first.resolve("adapter_model.safetensors")));
    }

    /// The reference of a preference method is the model with the adapter as it was: before the
    /// first step both agree, and the loss is that of a coin.
    @Test
    void preferencesAreComparedWithTheAdapterAsItWas() throws IOException {
        Path first = run(Method.SUPERVISED, TinyModel.lora(0), "first", Optional.empty(), true);
        ResolvedSpec spec = TinyModel.spec(Method.DPO, TinyModel.lora(0), Precision.FP32);
        TrainingRun.Sources files = model.sources(Method.DPO);
        var sources =
                new TrainingRun.Sources(
                        files.base(),
                        files.training(),
                        files.validation(),
                        Map.of(),
                        Optional.of(first),
                        List.of());
        Path room = Files.createDirectory(folder.resolve("dpo-room"));
        try (TrainingRun run = TrainingRun.prepare(spec, sources, room, TinyModel.BYTES)) {
            Recorder recorder = new Recorder(step -> step >= 1 ? Stop.AT_ONCE : Stop.NO, _ -> {});
            Outcome _ = run.loop(run.start(), recorder).run();
            assertThat(recorder.losses().getFirst()).isCloseTo(Math.log(2), within(1e-6));
        }
    }

    @Test
    void anAdapterOfAnotherShapeIsRefused() throws IOException {
        Path first = run(Method.SUPERVISED, TinyModel.lora(0), "first", Optional.empty(), false);
        assertThatThrownBy(() ->
                        run(
                                Method.SUPERVISED,
                                TinyModel.variant(AdapterKind.DORA),
                                "other",
                                Optional.of(first),
                                false))
                .isInstanceOf(SpecRefusedException.class)
                .hasMessageContaining("lora_magnitude_vector");
    }

    private Path run(
            Method method, AdapterSpec adapter, String name, Optional<Path> before, boolean trains)
            throws IOException {
        ResolvedSpec spec = TinyModel.spec(method, adapter, Precision.FP32);
        TrainingRun.Sources files = model.sources(method);
        var sources =
                new TrainingRun.Sources(
                        files.base(),
                        files.training(),
                        files.validation(),
                        Map.of(),
                        before,
                        List.of());
        Path room = Files.createDirectory(folder.resolve(name + "-room"));
        Path out = Files.createDirectory(folder.resolve(name));
        try (TrainingRun run = TrainingRun.prepare(spec, sources, room, TinyModel.BYTES)) {
            if (trains) {
                Recorder recorder = new Recorder(_ -> Stop.NO, _ -> {});
                Outcome _ = run.loop(run.start(), recorder).run();
            }
            run.writeResult(out, run.start());
        }
        return out;
    }
}
