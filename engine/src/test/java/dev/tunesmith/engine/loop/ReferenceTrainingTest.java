package dev.tunesmith.engine.loop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.tunesmith.contracts.optim.Curve;
import dev.tunesmith.engine.adapter.Adapter;
import dev.tunesmith.engine.data.PackedRows;
import dev.tunesmith.engine.io.JsonTree;
import dev.tunesmith.engine.io.ModelDirectory;
import dev.tunesmith.engine.io.SafetensorsFile;
import dev.tunesmith.engine.io.SafetensorsWriter;
import dev.tunesmith.engine.io.StoredTensor;
import dev.tunesmith.engine.loop.rate.LearningRate;
import dev.tunesmith.engine.model.Decoder;
import dev.tunesmith.engine.nn.Parameter;
import dev.tunesmith.engine.objective.Policy;
import dev.tunesmith.engine.objective.TokenObjective;
import dev.tunesmith.engine.optim.Optimizer;
import dev.tunesmith.engine.optim.ParameterGroup;
import dev.tunesmith.engine.optim.Rule;
import dev.tunesmith.engine.tape.CheckpointPolicy;
import dev.tunesmith.engine.tensor.DType;
import dev.tunesmith.engine.tensor.Region;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Step by step against recorded runs of TRL's SFTTrainer in fp32.
class ReferenceTrainingTest {

    private static final double LOSS_TOLERANCE = 1e-5;
    private static final double LOSS_RELATIVE = 1e-4;
    private static final double WEIGHT_TOLERANCE = 4e-5;

    @TempDir Path folder;

    @Test
    void fullTuningEqualsTheReference() throws Exception {
        GoldenRun golden = GoldenRun.read("sft_full");
        try (Decoder model = load();
                Region region = Region.lasting("training")) {
            model.trainAll(region);
            Recorder recorder = train(golden, model, model.parameters(), region, Curve.LINEAR);
            assertSteps(golden, recorder);
            assertWeights(golden, model.parameters());
        }
    }

    @Test
    void adapterTuningEqualsTheReference() throws Exception {
        GoldenRun golden = GoldenRun.read("sft_lora");
        try (Decoder model = load();
                Region region = Region.lasting("training");
                Adapter adapter = Adapter.load(model, startOf(golden))) {
            adapter.train();
            Recorder recorder = train(golden, model, adapter.parameters(), region, Curve.COSINE);
            assertSteps(golden, recorder);
            assertWeights(golden, adapter.parameters());
        }
    }

    /// The start values as a PEFT folder; the record keeps them in fp64.
    private Path startOf(GoldenRun golden) throws IOException {
        Path start = Files.createDirectory(folder.resolve("start"));
        JsonTree.write(
                start.resolve(Adapter.CONFIG),
                Map.of(
                        "peft_type",
                        "LORA",
                        "r",
                        4,
                        "lora_alpha",
                        8,
                        "target_modules",
                        List.of("q_proj", "v_proj")));
        SafetensorsWriter writer = new SafetensorsWriter(Map.of("format", "pt"));
        try (SafetensorsFile file = SafetensorsFile.open(golden.file("start.safetensors"))) {
            for (StoredTensor tensor : file.tensors()) {
                writer.add(tensor.name(), tensor.shape(), file.floats(tensor.name()));
            }
        }
        writer.write(start.resolve(Adapter.WEIGHTS));
        return start;
    }

    private static Decoder load() {
        return Decoder.load(
                ModelDirectory.open(GoldenRun.policy()), DType.F32, Decoder.Loading.WRITABLE);
    }

    private Recorder train(
            GoldenRun golden, Decoder model, List<Parameter> trained, Region region, Curve curve)
            throws Exception {
        var rule =
                new Rule.AdamW(
                        0.9, golden.tree().get("parameters").path("beta2").asDouble(0.999), 1e-8);
        double decay = golden.tree().get("parameters").path("weight_decay").asDouble(0);
        Optimizer optimizer =
                Optimizer.of(
                        ParameterGroup.byDecay(trained, decay),
                        rule,
                        golden.parameter("clip"),
                        region);
        int micro = (int) golden.parameter("batch");
        PackedRows rows = golden.rows(folder);
        DataOrder order =
                new DataOrder(rows.size(), micro * (int) golden.parameter("accumulate"), false);
        int warmup = golden.tree().get("parameters").path("warmup").asInt(0);
        LearningRate rate =
                new LearningRate(
                        curve, golden.parameter("lr"), warmup, (int) golden.parameter("steps"));
        LoopPlan plan = new LoopPlan(order, micro, rate, 0, 0);
        Recorder recorder = new Recorder();
        try (Learner learner =
                new Learner(
                        new TokenObjective(new Policy(model, CheckpointPolicy.keepAll())),
                        trained,
                        optimizer,
                        1)) {
            Outcome outcome =
                    new TrainingLoop(
                                    learner,
                                    plan,
                                    rows,
                                    Optional.empty(),
                                    recorder,
                                    LoopState.start(plan, 1),
                                    System::nanoTime)
                            .run();
            assertThat(outcome).isInstanceOf(Outcome.Finished.class);
        }
        return recorder;
    }

    private static void assertSteps(GoldenRun golden, Recorder recorder) {
        assertThat(recorder.steps).hasSize(golden.log().size());
        for (int i = 0; i < recorder.steps.size(); i++) {
            StepReport step = recorder.steps.get(i);
            double loss = golden.log().get(i).get("loss").asDouble();
            double norm = golden.log().get(i).get("grad_norm").asDouble();
            double rate = golden.log().get(i).get("learning_rate").asDouble();
            assertThat(step.loss())
                    .as("loss of step %d", i)
                    .isCloseTo(loss, within(LOSS_TOLERANCE + LOSS_RELATIVE * loss));
            assertThat(step.gradientNorm())
                    .as("norm of step %d", i)
                    .isCloseTo(norm, within(1e-3 * norm));
            assertThat(step.learningRate()).as("rate of step %d", i).isCloseTo(rate, within(1e-12));
        }
    }

    private static void assertWeights(GoldenRun golden, List<Parameter> trained) {
        try (SafetensorsFile file = SafetensorsFile.open(golden.file("tensors.safetensors"))) {
            for (Parameter parameter : trained) {
                float[] expected = file.floats("final/" + parameter.name());
                float[] found = parameter.master().toFloats();
                for (int i = 0; i < expected.length; i++) {
                    assertThat(found[i])
                            .as("%s[%d]", parameter.name(), i)
                            .isCloseTo(expected[i], within((float) WEIGHT_TOLERANCE));
                }
            }
        }
    }
}
