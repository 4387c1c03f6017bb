package dev.tunesmith.engine.objective;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.tunesmith.engine.data.BatchBuilder;
import dev.tunesmith.engine.data.Sample;
import dev.tunesmith.engine.data.TokenBatch;
import dev.tunesmith.engine.io.ModelDirectory;
import dev.tunesmith.engine.model.Decoder;
import dev.tunesmith.engine.nn.Parameter;
import dev.tunesmith.engine.objective.Objective.Occasion;
import dev.tunesmith.engine.tape.CheckpointPolicy;
import dev.tunesmith.engine.tape.Tape;
import dev.tunesmith.engine.tensor.DType;
import dev.tunesmith.engine.tensor.Region;
import dev.tunesmith.engine.tensor.StepArena;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Distillation may pack: both models see every document of a pack alone, so that a pack is the
/// rows in it.
class PackedDistillationTest {

    private static final List<Sample> DOCUMENTS = documents();

    private static List<Sample> documents() {
        var random = new SplittableRandom(3);
        List<Sample> documents = new ArrayList<>();
        for (int length : new int[] {9, 4, 13, 7, 5}) {
            float[] weights = new float[length];
            Arrays.fill(weights, 2, length, 1);
            documents.add(new Sample(random.ints(length, 1, 60).toArray(), weights));
        }
        return documents;
    }

    /// A loss, and its gradient by some weights below attention.
    private record Found(double loss, float[] gradient) {}

    private static Found run(Distillation.Settings settings, List<TokenBatch> parts) {
        try (StepArena arena = StepArena.unlimited();
                Region region = Region.lasting("student");
                Decoder student = load("policy", Decoder.Loading.WRITABLE);
                Decoder teacher = load("reference", Decoder.Loading.MAPPED)) {
            student.trainAll(region);
            student.trainable().forEach(Parameter::clearGradient);
            var objective =
                    new Distillation(
                            new Policy(student, CheckpointPolicy.keepAll()), teacher, settings);
            Objective.Step step = objective.begin(arena, parts, new Occasion(0, 0, true));
            LossSum sum = LossSum.ZERO;
            for (int part = 0; part < step.parts(); part++) {
                try (Region open = arena.open("part")) {
                    Tape tape = Tape.recording(arena, open, 0);
                    sum = sum.plus(step.loss(tape, part));
                    tape.backward();
                }
            }
            Parameter below =
                    student.parameter("model.layers.0.self_attn.k_proj.weight").orElseThrow();
            return new Found(sum.mean(), below.gradient().toFloats());
        }
    }

    private static Decoder load(String name, Decoder.Loading loading) {
        return Decoder.load(
                ModelDirectory.open(Path.of("../golden/methods/models").resolve(name)),
                DType.F32,
                loading);
    }

    private static TokenBatch packed(List<Sample> documents) {
        var builder = new BatchBuilder();
        documents.forEach(builder::add);
        return builder.build();
    }

    private static Sample joined() {
        int[] ids = DOCUMENTS.stream().flatMapToInt(d -> Arrays.stream(d.ids())).toArray();
        float[] weights = new float[ids.length];
        int at = 0;
        for (Sample document : DOCUMENTS) {
            System.arraycopy(document.weights(), 0, weights, at, document.length());
            at += document.length();
        }
        return new Sample(ids, weights);
    }

    @ParameterizedTest
    @CsvSource({"0, 1, false", "1, 2, false", "0.4, 1.5, false", "1, 1, true"})
    void aPackIsTheRowsInIt(double beta, double temperature, boolean confident) {
        var settings = new Distillation.Settings(beta, temperature, 0.5, 0.8, confident);
        Found pack = run(settings, List.of(packed(DOCUMENTS)));
        Found rows = run(settings, DOCUMENTS.stream().map(d -> packed(List.of(d))).toList());
        assertThat(pack.loss()).isCloseTo(rows.loss(), within(1e-5));
        double largest = 0;
        for (float value : rows.gradient()) {
            largest = Math.max(largest, Math.abs(value));
        }
        assertThat(largest).isPositive();
        for (int i = 0; i < rows.gradient().length; i++) {
            assertThat((double) pack.gradient()[i])
                    .isCloseTo(rows.gradient()[i], within(1e-4 * largest));
        }
        // Were there no boundaries, it would be another loss.
        assertThat(run(settings, List.of(packed(List.of(joined())))).loss())
                .isNotCloseTo(rows.loss(), within(1e-3));
    }
}
