package dev.tunesmith.engine.loop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.tunesmith.contracts.care.Care;
import dev.tunesmith.contracts.care.Groups;
import dev.tunesmith.contracts.job.AdapterSpec;
import dev.tunesmith.contracts.job.Precision;
import dev.tunesmith.contracts.job.ResolvedSpec;
import dev.tunesmith.contracts.method.AdapterKind;
import dev.tunesmith.contracts.method.Method;
import dev.tunesmith.contracts.optim.Curve;
import dev.tunesmith.contracts.optim.OptimizerKind;
import dev.tunesmith.contracts.optim.OptimizerSpec;
import dev.tunesmith.engine.io.JsonTree;
import dev.tunesmith.engine.io.ModelDirectory;
import dev.tunesmith.engine.io.SafetensorsFile;
import dev.tunesmith.engine.io.SafetensorsWriter;
import dev.tunesmith.engine.io.StoredTensor;
import dev.tunesmith.engine.loop.LoopObserver.Stop;
import dev.tunesmith.engine.loop.care.Watch.Verdict;
import dev.tunesmith.engine.model.FreshWeights;
import dev.tunesmith.engine.text.SpecialText;
import dev.tunesmith.engine.text.Tokenizer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// A row that no model can bear: one of its characters has an embedding that is no number.
class GuardTest {

    private static final long POISONED_LINE = 7;
    private static final long LOUD_LINE = 5;
    private static final String TABLE = "model.embed_tokens.weight";

    @TempDir Path folder;
    private TinyModel model;
    private int rooms;

    @BeforeEach
    void createModel() throws IOException {
        model = TinyModel.create(Files.createDirectory(folder.resolve("model")));
    }

    private void poison() throws IOException {
        Path base = model.folder().resolve("base");
        Map<String, Object> config =
                new LinkedHashMap<>(JsonTree.read(base.resolve(ModelDirectory.CONFIG)));
        config.put("tie_word_embeddings", false);
        JsonTree.write(base.resolve(ModelDirectory.CONFIG), config);
        Path weights = base.resolve(ModelDirectory.WEIGHTS);
        Files.deleteIfExists(weights);
        FreshWeights.write(base, 7);
        SafetensorsWriter writer = new SafetensorsWriter(Map.of("format", "pt"));
        try (SafetensorsFile file = SafetensorsFile.open(weights);
                Tokenizer words = Tokenizer.open(base.resolve(ModelDirectory.TOKENIZER))) {
            int token = words.encode("Ω", SpecialText.LITERAL)[0];
            for (StoredTensor stored : file.tensors()) {
                float[] values = file.floats(stored.name());
                if (stored.name().equals(TABLE)) {
                    values[token * (values.length / 320)] = Float.NaN;
                }
                writer.add(stored.name(), stored.shape(), values);
            }
            Path other = base.resolve("other");
            writer.write(other);
            Files.move(other, weights, StandardCopyOption.REPLACE_EXISTING);
        }
        replace(
                "chat.jsonl",
                POISONED_LINE,
                """
                {"messages":[{"role":"user","content":"What is Ω?"},\
                {"role":"assistant","content":"No idea."}]}\
                """);
    }

    private void replace(String file, long line, String row) throws IOException {
        Path rows = model.folder().resolve(file);
        List<String> lines = new ArrayList<>(Files.readAllLines(rows));
        lines.set((int) line - 1, row);
        Files.write(rows, lines);
    }

    private static Care care(Map<String, Object> given) {
        return Care.of(given);
    }

    private static ResolvedSpec spec(AdapterSpec adapter, Care care) {
        return TinyModel.with(TinyModel.spec(Method.SUPERVISED, adapter, Precision.FP32), care);
    }

    /// What a run has said, and how it ended.
    private record Told(Recorder recorder, Outcome outcome, Path result) {}

    private Told run(ResolvedSpec spec) throws IOException {
        Path room = Files.createDirectory(folder.resolve("room" + rooms++));
        Path out = Files.createDirectory(folder.resolve("result" + rooms));
        Recorder recorder = new Recorder();
        try (TrainingRun run =
                TrainingRun.prepare(spec, model.sources(spec.method()), room, TinyModel.BYTES)) {
            Outcome outcome = run.loop(run.start(), recorder).run();
            run.writeResult(
                    out, outcome instanceof Outcome.Finished(LoopState end) ? end : run.start());
            return new Told(recorder, outcome, out);
        }
    }

    private static void requireNumbers(Path file) {
        try (SafetensorsFile stored = SafetensorsFile.open(file)) {
            for (StoredTensor tensor : stored.tensors()) {
                for (float value : stored.floats(tensor.name())) {
                    assertThat(value).as(tensor.name()).isFinite();
                }
            }
        }
    }

    @Test
    void aRunEndsAndNamesTheLine() throws IOException {
        poison();
        Told told = run(spec(TinyModel.lora(0), Care.USUAL));

        assertThat(told.outcome()).isInstanceOf(Outcome.Diverged.class);
        Incident incident = ((Outcome.Diverged) told.outcome()).incident();
        assertThat(incident.verdict()).isEqualTo(Verdict.NO_NUMBER);
        assertThat(incident.lines()).containsExactly(POISONED_LINE);
        assertThat(incident.text()).contains("loss NaN", "line 7 of the training file");
        requireNumbers(told.result().resolve("adapter_model.safetensors"));
    }

    @Test
    void itsStepIsLeftOutAndTheRestTrains() throws IOException {
        poison();
        Told told = run(spec(TinyModel.lora(0), care(Map.of("loss_guard", "skip"))));

        assertThat(told.outcome()).isInstanceOf(Outcome.Finished.class);
        assertThat(told.recorder().incidents)
                .isNotEmpty()
                .allMatch(incident -> incident.lines().equals(List.of(POISONED_LINE)));
        assertThat(told.recorder().steps.size() + told.recorder().incidents.size()).isEqualTo(12);
        assertThat(told.recorder().losses()).allMatch(Double::isFinite);
        assertThat(told.recorder().losses().getLast())
                .isLessThan(told.recorder().losses().getFirst());
        requireNumbers(told.result().resolve("adapter_model.safetensors"));
    }

    @Test
    void noNumberReachesTheWeightsOnTheWayBack() throws IOException {
        poison();
        ResolvedSpec plain =
                spec(
                        TinyModel.part(AdapterKind.FREEZE, List.of(0, 1), "all"),
                        care(Map.of("loss_guard", "skip")));
        ResolvedSpec lomo =
                TinyModel.inParts(
                        TinyModel.with(
                                plain, OptimizerSpec.usual(OptimizerKind.LOMO), Curve.CONSTANT),
                        6);
        Told told = run(TinyModel.with(lomo, Groups.USUAL, 0));
        assertThat(told.recorder().incidents).isNotEmpty();
        try (SafetensorsFile stored =
                SafetensorsFile.open(told.result().resolve(ModelDirectory.WEIGHTS))) {
            for (float value : stored.floats("model.layers.0.mlp.up_proj.weight")) {
                assertThat(value).isFinite();
            }
        }
    }

    @Test
    void theRateFallsForAWhile() throws IOException {
        poison();
        Care lower = care(Map.of("loss_guard", "lower", "guard_factor", 0.25, "guard_steps", 1));
        ResolvedSpec constant =
                TinyModel.with(spec(TinyModel.lora(0), lower), OptimizerSpec.ADAMW, Curve.CONSTANT);
        Told told = run(constant);

        List<Integer> bad = told.recorder().incidents.stream().map(Incident::step).toList();
        List<StepReport> warm =
                told.recorder().steps.stream().filter(report -> report.step() > 2).toList();
        assertThat(warm).anyMatch(report -> bad.contains(report.step() - 2));
        for (StepReport report : warm) {
            double factor = bad.contains(report.step() - 2) ? 0.25 : 1;
            assertThat(report.learningRate())
                    .as("step %d, bad ones after %s", report.step(), bad)
                    .isCloseTo(factor * 5e-3, within(1e-9));
        }
    }

    @Test
    void aLossFarOffIsLeftOutAndNamed() throws IOException {
        replace(
                "pairs.jsonl",
                LOUD_LINE,
                """
                {"input":{"messages":[{"role":"user","content":"What colour is the sky?"}]},\
                "preferred_output":[{"role":"assistant","content":"Blue."}],\
                "non_preferred_output":[{"role":"assistant","content":"No."}],"margin":500}\
                """);
        Care strict = care(Map.of("loss_guard", "skip", "guard_threshold", 8.0, "guard_window", 4));
        Told told =
                run(
                        TinyModel.with(
                                TinyModel.spec(
                                        Method.REWARD_MODEL, TinyModel.lora(0), Precision.FP32),
                                strict));

        assertThat(told.recorder().incidents)
                .isNotEmpty()
                .allSatisfy(incident -> {
                    assertThat(incident.verdict()).isEqualTo(Verdict.FAR_OFF);
                    assertThat(incident.lines()).containsExactly(LOUD_LINE);
                    assertThat(incident.text()).contains("more than the", "line 5");
                });
    }

    @Test
    void aGuardedRunResumesBitForBit() throws IOException {
        poison();
        ResolvedSpec spec =
                spec(
                        TinyModel.lora(0.1),
                        care(
                                Map.of(
                                        "loss_guard",
                                        "lower",
                                        "guard_threshold",
                                        3.0,
                                        "guard_window",
                                        6)));
        byte[] straight =
                Files.readAllBytes(run(spec).result().resolve("adapter_model.safetensors"));
        Path checkpoint = Files.createDirectory(folder.resolve("checkpoint"));
        Path room = Files.createDirectory(folder.resolve("stopped-room"));
        try (TrainingRun run =
                TrainingRun.prepare(spec, model.sources(spec.method()), room, TinyModel.BYTES)) {
            Recorder recorder =
                    new Recorder(
                            step -> step >= 8 ? Stop.AFTER_SAVING : Stop.NO,
                            state -> saveAt(8, run, checkpoint, state));
            Outcome _ = run.loop(run.start(), recorder).run();
        }
        Path again = Files.createDirectory(folder.resolve("again-room"));
        Path out = Files.createDirectory(folder.resolve("again"));
        try (TrainingRun run =
                TrainingRun.prepare(spec, model.sources(spec.method()), again, TinyModel.BYTES)) {
            Outcome end = run.loop(run.restore(checkpoint).state(), new Recorder()).run();
            run.writeResult(out, ((Outcome.Finished) end).state());
        }
        assertThat(Files.readAllBytes(out.resolve("adapter_model.safetensors")))
                .isEqualTo(straight);
    }

    private static void saveAt(int step, TrainingRun run, Path folder, LoopState state) {
        try {
            if (state.step() == step) {
                run.writeCheckpoint(folder, state);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
