package dev.tunesmith.engine.loop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.tunesmith.contracts.care.Groups;
import dev.tunesmith.contracts.job.Precision;
import dev.tunesmith.contracts.job.ResolvedSpec;
import dev.tunesmith.contracts.method.Method;
import dev.tunesmith.contracts.optim.Curve;
import dev.tunesmith.contracts.optim.OptimizerKind;
import dev.tunesmith.contracts.optim.OptimizerSpec;
import dev.tunesmith.engine.io.ModelDirectory;
import dev.tunesmith.engine.io.SafetensorsFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Parts of a model that its optimizer treats apart, and where it keeps its states.
class GroupsTest {

    private static final String NORM = "model.layers.0.input_layernorm.weight";
    private static final String TABLE = "model.embed_tokens.weight";
    private static final String LOW = "model.layers.0.mlp.up_proj.weight";
    private static final String HIGH = "model.layers.1.mlp.up_proj.weight";

    @TempDir Path folder;
    private TinyModel model;
    private int rooms;

    @BeforeEach
    void createModel() throws IOException {
        model = TinyModel.create(Files.createDirectory(folder.resolve("model")));
    }

    /// One step of signs: every weight with a gradient moves by the rate, plus what decays.
    private static ResolvedSpec spec(double decay, Map<String, Object> groups) {
        return spec(decay, groups, OptimizerSpec.usual(OptimizerKind.LION));
    }

    private static ResolvedSpec spec(double decay, Map<String, Object> groups, OptimizerSpec form) {
        ResolvedSpec plain =
                TinyModel.spec(Method.SUPERVISED, TinyModel.FULL, Precision.FP32)
                        .with(
                                new ResolvedSpec.Optimizer(
                                        1e-3,
                                        1,
                                        Curve.CONSTANT,
                                        0,
                                        0,
                                        decay,
                                        0,
                                        form,
                                        Groups.of(groups)));
        return TinyModel.steps(plain, 1);
    }

    private Path result(ResolvedSpec spec) throws IOException {
        Path room = Files.createDirectory(folder.resolve("room" + rooms++));
        Path out = Files.createDirectory(folder.resolve("result" + rooms));
        try (TrainingRun run =
                TrainingRun.prepare(spec, model.sources(spec.method()), room, TinyModel.BYTES)) {
            Outcome outcome = run.loop(run.start(), new Recorder()).run();
            run.writeResult(out, ((Outcome.Finished) outcome).state());
        }
        try (Stream<Path> left = Files.list(room)) {
            assertThat(left).noneMatch(file -> file.endsWith("optimizer.states"));
        }
        return out.resolve(ModelDirectory.WEIGHTS);
    }

    private static float[] values(Path file, String name) {
        try (SafetensorsFile stored = SafetensorsFile.open(file)) {
            return stored.floats(name);
        }
    }

    /// The largest move of a weight from where it began.
    private double move(Path trained, String name) {
        float[] before = values(model.folder().resolve("base/model.safetensors"), name);
        float[] after = values(trained, name);
        double most = 0;
        for (int i = 0; i < before.length; i++) {
            most = Math.max(most, Math.abs(after[i] - before[i]));
        }
        return most;
    }

    @Test
    void eachLayerLearnsSlowerThanTheOneAbove() throws IOException {
        Path trained = result(spec(0, Map.of("layer_lr_decay", 0.5)));
        assertThat(move(trained, "model.norm.weight")).isCloseTo(1e-3, within(1e-6));
        assertThat(move(trained, HIGH)).isCloseTo(0.5e-3, within(1e-6));
        assertThat(move(trained, LOW)).isCloseTo(0.25e-3, within(1e-6));
        assertThat(move(trained, TABLE)).isCloseTo(0.125e-3, within(1e-6));
    }

    @Test
    void decayTouchesWhatItIsToldTo() throws IOException {
        Path usual = result(spec(0.5, Map.of()));
        Path norms = result(spec(0.5, Map.of("decay_norms", true)));
        Path tables = result(spec(0.5, Map.of("decay_embeddings", false)));
        assertThat(values(norms, NORM)).isNotEqualTo(values(usual, NORM));
        assertThat(values(norms, LOW)).isEqualTo(values(usual, LOW));
        assertThat(values(tables, TABLE)).isNotEqualTo(values(usual, TABLE));
        assertThat(values(tables, LOW)).isEqualTo(values(usual, LOW));
        assertThat(values(tables, TABLE)).isEqualTo(values(result(spec(0, Map.of())), TABLE));
    }

    @Test
    void gradientsAreCutOffAtAValue() throws IOException {
        OptimizerSpec descent = OptimizerSpec.of(Map.of("type", "sgd", "momentum", 0));
        Path limited = result(spec(0, Map.of("max_grad_value", 1e-2), descent));
        Path free = result(spec(0, Map.of(), descent));
        assertThat(move(limited, LOW)).isCloseTo(1e-2 * 1e-3, within(1e-7));
        assertThat(move(free, LOW)).isGreaterThan(2e-5);
    }

    @Test
    void statesOnDiskEndInTheSameBytes() throws IOException {
        ResolvedSpec inMemory = TinyModel.spec(Method.SUPERVISED, TinyModel.FULL, Precision.BF16);
        ResolvedSpec onDisk =
                TinyModel.with(inMemory, Groups.of(Map.of("optimizer_states", "disk")), 1);
        byte[] expected = Files.readAllBytes(result(inMemory));
        assertThat(Arrays.equals(Files.readAllBytes(result(onDisk)), expected)).isTrue();
    }
}
