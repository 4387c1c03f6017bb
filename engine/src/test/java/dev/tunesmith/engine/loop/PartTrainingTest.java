package dev.tunesmith.engine.loop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tunesmith.contracts.job.AdapterSpec;
import dev.tunesmith.contracts.job.Precision;
import dev.tunesmith.contracts.job.ResolvedSpec;
import dev.tunesmith.contracts.method.AdapterKind;
import dev.tunesmith.contracts.method.Method;
import dev.tunesmith.engine.data.TokenBatch;
import dev.tunesmith.engine.io.ModelDirectory;
import dev.tunesmith.engine.io.SafetensorsFile;
import dev.tunesmith.engine.io.SafetensorsWriter;
import dev.tunesmith.engine.io.StoredTensor;
import dev.tunesmith.engine.io.WeightFiles;
import dev.tunesmith.engine.loop.LoopObserver.Stop;
import dev.tunesmith.engine.loop.subject.ExpandedModel;
import dev.tunesmith.engine.loop.subject.SpecRefusedException;
import dev.tunesmith.engine.model.Decoder;
import dev.tunesmith.engine.tape.CheckpointPolicy;
import dev.tunesmith.engine.tape.Tape;
import dev.tunesmith.engine.tensor.DType;
import dev.tunesmith.engine.tensor.Region;
import dev.tunesmith.engine.tensor.StepArena;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PartTrainingTest {

    @TempDir Path folder;
    private TinyModel model;

    @BeforeEach
    void createModel() throws IOException {
        model = TinyModel.create(Files.createDirectory(folder.resolve("model")));
    }

    @Test
    void onlyTheChosenLayersChange() throws IOException {
        ModelDirectory result =
                trained(TinyModel.part(AdapterKind.FREEZE, List.of(1), "mlp", "input_layernorm"));
        assertThat(changed(result))
                .containsExactly(
                        "model.layers.1.input_layernorm.weight",
                        "model.layers.1.mlp.down_proj.weight",
                        "model.layers.1.mlp.gate_proj.weight",
                        "model.layers.1.mlp.up_proj.weight",
                        "model.norm.weight");
    }

    @Test
    void spectrumTrainsTheStrongestLayerOfEveryModule() throws IOException {
        strengthen("model.layers.1.self_attn.q_proj.weight", "model.layers.0.mlp.up_proj.weight");
        ModelDirectory result =
                trained(TinyModel.part(AdapterKind.SPECTRUM, List.of(), "q_proj", "mlp.*"));
        assertThat(changed(result))
                .hasSize(5)
                .contains(
                        "model.norm.weight",
                        "model.layers.1.self_attn.q_proj.weight",
                        "model.layers.0.mlp.up_proj.weight");
    }

    /// Leaves of these matrices of the base little but one strong direction.
    private void strengthen(String... names) throws IOException {
        ModelDirectory base = model.sources(Method.SUPERVISED).base();
        SafetensorsWriter writer = new SafetensorsWriter(Map.of("format", "pt"));
        Path file = base.path().resolve("model.safetensors");
        try (SafetensorsFile stored = SafetensorsFile.open(file)) {
            for (StoredTensor tensor : stored.tensors()) {
                float[] values = stored.floats(tensor.name()).clone();
                if (List.of(names).contains(tensor.name())) {
                    for (int i = 0; i < values.length; i++) {
                        values[i] = 0.1f + values[i] / 100;
                    }
                }
                writer.add(tensor.name(), tensor.shape(), values);
            }
        }
        Files.delete(file);
        writer.write(file);
    }

    @Test
    void anExpandedModelBeginsAsTheSmallOneAndTrainsOnlyItsNewBlocks() throws IOException {
        ModelDirectory base = model.sources(Method.SUPERVISED).base();
        ModelDirectory large = ExpandedModel.write(base, List.of(1, 3), folder.resolve("expanded"));
        assertThat(hidden(large)).isEqualTo(hidden(base));

        ModelDirectory result =
                trained(TinyModel.part(AdapterKind.LLAMA_PRO, List.of(1, 3), "all"));
        assertThat(result.config()).containsEntry("num_hidden_layers", 4);
        assertThat(hidden(result)).isNotEqualTo(hidden(base));
        try (WeightFiles before = large.openWeights();
                WeightFiles after = result.openWeights()) {
            assertThat(after.names()).isEqualTo(before.names());
            for (String name : after.names()) {
                boolean same = Arrays.equals(before.floats(name), after.floats(name));
                assertThat(same)
                        .as(name)
                        .isEqualTo(!name.contains("layers.1.") && !name.contains("layers.3."));
            }
        }
    }

    @Test
    void namesWhatTheModelDoesNotHave() {
        assertThatThrownBy(() ->
                        trained(
                                new AdapterSpec.Part(
                                        AdapterKind.FREEZE,
                                        List.of(1),
                                        List.of("q_proj", "fc1"),
                                        List.of("wpe"),
                                        0,
                                        0)))
                .isInstanceOf(SpecRefusedException.class)
                .hasMessageContaining("trainable_modules fc1 names nothing")
                .hasMessageContaining("self_attn.q_proj")
                .hasMessageContaining("extra_modules wpe names nothing")
                .hasMessageContaining("model.embed_tokens.weight");
    }

    @Test
    void refusesToCopyLayersThatDifferByTheirNumber() throws IOException {
        ModelDirectory base = model.sources(Method.SUPERVISED).base();
        Map<String, Object> config = new LinkedHashMap<>(base.config());
        config.put("model_type", "qwen3_moe");
        config.put("decoder_sparse_step", 2);
        config.put("moe_intermediate_size", 8);
        config.put("num_experts", 4);
        config.put("num_experts_per_tok", 2);
        ModelDirectory mixture = new ModelDirectory(base.path(), config);
        assertThatThrownBy(
                        () -> ExpandedModel.write(mixture, List.of(1), folder.resolve("refused")))
                .isInstanceOf(SpecRefusedException.class)
                .hasMessageContaining("differ by their number");
    }

    private ModelDirectory trained(AdapterSpec part) throws IOException {
        ResolvedSpec spec = TinyModel.spec(Method.SUPERVISED, part, Precision.FP32);
        Path room = Files.createDirectory(folder.resolve("room"));
        Path out = Files.createDirectory(folder.resolve("out"));
        try (TrainingRun run =
                TrainingRun.prepare(spec, model.sources(spec.method()), room, TinyModel.BYTES)) {
            Recorder recorder = new Recorder(_ -> Stop.NO, _ -> {});
            if (run.loop(run.start(), recorder).run() instanceof Outcome.Finished(LoopState end)) {
                run.writeResult(out, end);
            }
        }
        return ModelDirectory.open(out);
    }

    /// Names of the tensors that differ from those of the base.
    private Set<String> changed(ModelDirectory result) {
        Set<String> names = new TreeSet<>();
        try (WeightFiles before = model.sources(Method.SUPERVISED).base().openWeights();
                WeightFiles after = result.openWeights()) {
            for (String name : after.names()) {
                if (!Arrays.equals(before.floats(name), after.floats(name))) {
                    names.add(name);
                }
            }
        }
        return names;
    }

    private static float[] hidden(ModelDirectory directory) {
        int[] ids = {5, 7, 11, 13, 17};
        try (Decoder decoder = Decoder.load(directory, DType.F32, Decoder.Loading.MAPPED);
                StepArena arena = StepArena.unlimited();
                Region step = arena.open("step")) {
            int count = ids.length;
            TokenBatch batch =
                    new TokenBatch(
                            ids,
                            new int[] {0, 1, 2, 3, 4},
                            new int[] {0, count},
                            new int[count],
                            new float[count]);
            return decoder.forward(Tape.silent(arena, step), batch, CheckpointPolicy.keepAll())
                    .toFloats();
        }
    }
}
