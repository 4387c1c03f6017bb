package dev.tunesmith.engine.model;

import dev.tunesmith.engine.io.SafetensorsFile;
import dev.tunesmith.engine.io.SafetensorsWriter;
import dev.tunesmith.engine.nn.Parameter;
import dev.tunesmith.engine.ops.Lookup;
import dev.tunesmith.engine.tape.Tape;
import dev.tunesmith.engine.tensor.DType;
import dev.tunesmith.engine.tensor.Region;
import dev.tunesmith.engine.tensor.Tensor;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/// A linear layer with one output on the last hidden state: the score of a reward model, or the
/// value of a state. Always in fp32, with sums in fp64.
///
/// Files hold it as LLaMA-Factory does (`value_head.safetensors`), or as `score.weight` of a
/// sequence classifier.
public final class ScoreHead {

    /// The file that holds it beside an adapter or a model.
    public static final String FILE = "value_head.safetensors";

    private static final String WEIGHT = "v_head.summary.weight";
    private static final String BIAS = "v_head.summary.bias";
    private static final double SPREAD = 0.02;

    private final Parameter weight_1D;
    private final @Nullable Parameter bias_1;

    private ScoreHead(Parameter weight_1D, @Nullable Parameter bias_1) {
        this.weight_1D = weight_1D;
        this.bias_1 = bias_1;
    }

    /// The head that a classifier's checkpoint brings along: the model's own weight if that trains,
    /// else a copy of it in `region`.
    public static Optional<ScoreHead> of(Decoder model, Region region) {
        return model.parameter(Decoder.SCORE)
                .map(weight -> weight.trains() ? weight : copy(weight, region))
                .map(weight -> new ScoreHead(weight, null));
    }

    private static Parameter copy(Parameter weight, Region region) {
        return new Parameter(
                WEIGHT, region.floats(weight.value().toFloats(), weight.value().shape()));
    }

    /// A new head: small random weights by `seed`, or zeros without one; bias 0.
    public static ScoreHead fresh(int width, Optional<Long> seed, Region region) {
        float[] weights = new float[width];
        if (seed.isPresent()) {
            SplittableRandom random = new SplittableRandom(seed.get());
            for (int i = 0; i < width; i++) {
                weights[i] = (float) (SPREAD * random.nextGaussian());
            }
        }
        return new ScoreHead(
                new Parameter(WEIGHT, region.floats(weights, 1, width)),
                new Parameter(BIAS, region.zeros(DType.F32, 1)));
    }

    /// A head with given weights.
    public static ScoreHead of(float[] weights, float bias, Region region) {
        return new ScoreHead(
                new Parameter(WEIGHT, region.floats(weights, 1, weights.length)),
                new Parameter(BIAS, region.floats(new float[] {bias}, 1)));
    }

    /// Reads `value_head.safetensors`; a file without a bias is fine.
    public static ScoreHead load(Path file, Region region) {
        try (SafetensorsFile stored = SafetensorsFile.open(file)) {
            float[] weights = stored.floats(WEIGHT);
            Parameter bias =
                    stored.find(BIAS).isPresent()
                            ? new Parameter(BIAS, region.floats(stored.floats(BIAS), 1))
                            : null;
            return new ScoreHead(
                    new Parameter(WEIGHT, region.floats(weights, 1, weights.length)), bias);
        }
    }

    /// Writes `value_head.safetensors` into a folder.
    public void save(Path folder) throws IOException {
        SafetensorsWriter writer = new SafetensorsWriter(Map.of("format", "pt"));
        for (Parameter parameter : parameters()) {
            String name = parameter == bias_1 ? BIAS : WEIGHT;
            List<Long> shape = Arrays.stream(parameter.value().shape()).boxed().toList();
            writer.add(name, shape, parameter.value().toFloats());
        }
        writer.write(folder.resolve(FILE));
    }

    /// What trains of it.
    public List<Parameter> parameters() {
        List<Parameter> parameters = new ArrayList<>();
        parameters.add(weight_1D);
        if (bias_1 != null) {
            parameters.add(bias_1);
        }
        return parameters;
    }

    /// The value at each of the given rows.
    public double[] values(Tape tape, Tensor hidden_ND, int[] rows) {
        if (rows.length == 0) {
            return new double[0];
        }
        float[] hidden_MD = hidden(tape, hidden_ND, rows);
        float[] weights = weight_1D.value().toFloats();
        double bias = bias_1 == null ? 0 : bias_1.value().toFloats()[0];
        double[] values = new double[rows.length];
        for (int m = 0; m < rows.length; m++) {
            double sum = bias;
            for (int d = 0; d < weights.length; d++) {
                sum += (double) hidden_MD[m * weights.length + d] * weights[d];
            }
            values[m] = sum;
        }
        return values;
    }

    private static float[] hidden(Tape tape, Tensor hidden_ND, int[] rows) {
        try (Region scratch = tape.arena().open("values")) {
            Tensor hidden_MD = scratch.tensor(hidden_ND.type(), rows.length, hidden_ND.width());
            Lookup.gather(hidden_MD, hidden_ND, scratch.ints(rows));
            return hidden_MD.toFloats();
        }
    }

    /// Gives the slopes of a loss by the values back to the hidden state and to the head; nothing
    /// happens on a silent tape. The rows must differ.
    public void backward(Tape tape, Tensor hidden_ND, int[] rows, double[] slopes) {
        if (!tape.isRecording() || rows.length == 0) {
            return;
        }
        if (weight_1D.trains()) {
            addHeadGradient(hidden(tape, hidden_ND, rows), slopes);
        }
        if (tape.tracks(hidden_ND)) {
            Tensor dHidden_ND = tape.region().zeros(hidden_ND.type(), hidden_ND.shape());
            float[] weights = weight_1D.value().toFloats();
            float[] spread = new float[rows.length * weights.length];
            for (int m = 0; m < rows.length; m++) {
                for (int d = 0; d < weights.length; d++) {
                    spread[m * weights.length + d] = (float) (slopes[m] * weights[d]);
                }
            }
            try (Region scratch = tape.arena().open("value gradient")) {
                Tensor dHidden_MD =
                        scratch.tensor(hidden_ND.type(), rows.length, hidden_ND.width());
                dHidden_MD.set(spread);
                Lookup.scatter(dHidden_ND, dHidden_MD, scratch.ints(rows));
            }
            tape.addGradient(hidden_ND, dHidden_ND);
        }
    }

    private void addHeadGradient(float[] hidden_MD, double[] slopes) {
        int width = Math.toIntExact(weight_1D.value().elements());
        double[] sums = new double[width];
        double biasSum = 0;
        for (int m = 0; m < slopes.length; m++) {
            biasSum += slopes[m];
            for (int d = 0; d < width; d++) {
                sums[d] += slopes[m] * hidden_MD[m * width + d];
            }
        }
        add(weight_1D.gradient(), sums);
        if (bias_1 != null && bias_1.trains()) {
            add(bias_1.gradient(), new double[] {biasSum});
        }
    }

    private static void add(Tensor gradient, double[] more) {
        float[] sum = gradient.toFloats();
        for (int i = 0; i < sum.length; i++) {
            sum[i] += (float) more[i];
        }
        gradient.set(sum);
    }
}
