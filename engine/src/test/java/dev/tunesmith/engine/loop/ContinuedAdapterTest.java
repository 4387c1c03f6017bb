package dev.tunesmith.engine.loop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.tunesmith.contracts.chat.NamedTemplates;
import dev.tunesmith.contracts.chat.TemplateSource;
import dev.tunesmith.contracts.job.AdapterSpec;
import dev.tunesmith.contracts.job.Precision;
import dev.tunesmith.contracts.job.ResolvedSpec;
import dev.tunesmith.contracts.method.AdapterKind;
import dev.tunesmith.contracts.method.Method;
import dev.tunesmith.contracts.template.ChatTemplate;
import dev.tunesmith.engine.adapter.MergedFolder;
import dev.tunesmith.engine.io.ModelDirectory;
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
        TrainingRun.Sources sources = sources(spec, Optional.of(first));
        Path room = Files.createDirectory(folder.resolve("dpo-room"));
        try (TrainingRun run = TrainingRun.prepare(spec, sources, room, TinyModel.BYTES)) {
            Recorder recorder = new Recorder(step -> step >= 1 ? Stop.AT_ONCE : Stop.NO, _ -> {});
            Outcome _ = run.loop(run.start(), recorder).run();
            assertThat(recorder.losses().getFirst()).isCloseTo(Math.log(2), within(1e-6));
        }
    }

    /// What was trained with a template is trained on, merged and served with it, though the next
    /// job does not name it.
    @Test
    void theTemplateOfAnAdapterGoesWithIt() throws IOException {
        ResolvedSpec plain = roomy();
        Path first = run(TinyModel.templated(plain, "default"), "first", Optional.empty(), false);
        Path more = run(plain, "more", Optional.of(first), false);
        Path other = run(TinyModel.templated(plain, "falcon"), "other", Optional.of(first), false);
        Path merged = Files.createDirectory(folder.resolve("merged"));
        MergedFolder.write(ModelDirectory.open(folder.resolve("model/base")), more, merged);

        String named = TemplateSource.of(NamedTemplates.find("default").orElseThrow());
        assertThat(first.resolve(ModelDirectory.CHAT_TEMPLATE)).hasContent(named);
        assertThat(more.resolve(ModelDirectory.CHAT_TEMPLATE)).hasContent(named);
        assertThat(ModelDirectory.open(merged).chatTemplate()).contains(named);
        assertThat(Files.readString(other.resolve(ModelDirectory.CHAT_TEMPLATE)))
                .isNotEqualTo(named);
    }

    /// Rows are written with the template that lies beside the adapter: other tokens, another loss.
    @Test
    void rowsAreWrittenWithTheTemplateOfTheAdapter() throws IOException {
        ResolvedSpec plain = roomy();
        ResolvedSpec named = TinyModel.templated(plain, "default");
        Path first = run(named, "first", Optional.empty(), false);
        assertThat(firstLoss(plain, "follows", Optional.of(first)))
                .isEqualTo(firstLoss(named, "named", Optional.of(first)))
                .isNotEqualTo(firstLoss(plain, "without", Optional.empty()));
    }

    /// Rows that have room for longer templates.
    private static ResolvedSpec roomy() {
        ResolvedSpec spec = TinyModel.spec(Method.SUPERVISED, TinyModel.lora(0), Precision.FP32);
        return TinyModel.longRows(spec, 120);
    }

    private double firstLoss(ResolvedSpec spec, String name, Optional<Path> before)
            throws IOException {
        Path room = Files.createDirectory(folder.resolve(name + "-room"));
        Recorder recorder = new Recorder(step -> step >= 1 ? Stop.AT_ONCE : Stop.NO, _ -> {});
        try (TrainingRun run =
                TrainingRun.prepare(spec, sources(spec, before), room, TinyModel.BYTES)) {
            Outcome _ = run.loop(run.start(), recorder).run();
        }
        return recorder.losses().getFirst();
    }

    /// A model may get another template later; its adapters keep theirs.
    @Test
    void theTemplateOfTheModelLiesBesideItsAdapter() throws IOException {
        Path own = folder.resolve("model/base").resolve(ModelDirectory.CHAT_TEMPLATE);
        Files.writeString(own, ChatTemplate.CHATML.source() + "{# first #}");
        Path first = run(Method.SUPERVISED, TinyModel.lora(0), "first", Optional.empty(), false);
        Files.writeString(own, ChatTemplate.CHATML.source() + "{# second #}");
        Path more = run(Method.SUPERVISED, TinyModel.lora(0), "more", Optional.of(first), false);

        assertThat(Files.readString(more.resolve(ModelDirectory.CHAT_TEMPLATE)))
                .isEqualTo(Files.readString(first.resolve(ModelDirectory.CHAT_TEMPLATE)))
                .endsWith("{# first #}");
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
        return run(TinyModel.spec(method, adapter, Precision.FP32), name, before, trains);
    }

    private TrainingRun.Sources sources(ResolvedSpec spec, Optional<Path> before) {
        TrainingRun.Sources files = model.sources(spec.method());
        return new TrainingRun.Sources(
                files.base(), files.training(), files.validation(), Map.of(), before, List.of());
    }

    private Path run(ResolvedSpec spec, String name, Optional<Path> before, boolean trains)
            throws IOException {
        TrainingRun.Sources sources = sources(spec, before);
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
