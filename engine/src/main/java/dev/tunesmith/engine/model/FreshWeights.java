package dev.tunesmith.engine.model;

import dev.tunesmith.engine.io.JsonTree;
import dev.tunesmith.engine.io.ModelDirectory;
import dev.tunesmith.engine.io.SafetensorsWriter;
import dev.tunesmith.engine.model.Architecture.NormPlan.Placement;
import dev.tunesmith.engine.nn.AttentionShape;
import dev.tunesmith.engine.nn.AttentionShape.Bias;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.zip.CRC32;

/// Random weights for a model that is trained from scratch, as `transformers` initialises: matrices
/// normal with `initializer_range`, biases 0, gains 1.
///
/// Every tensor has a stream of its own, named by seed and tensor name, so the same seed gives the
/// same file whatever else the model has.
public final class FreshWeights {

    private static final double RANGE = 0.02;
    private static final long GOLDEN_GAMMA = 0x9E3779B97F4A7C15L;

    private final Architecture architecture;
    private final SafetensorsWriter writer = new SafetensorsWriter(Map.of("format", "pt"));
    private final double range;
    private final long seed;

    private FreshWeights(Architecture architecture, double range, long seed) {
        this.architecture = architecture;
        this.range = range;
        this.seed = seed;
    }

    /// Adds `model.safetensors` to a folder that has a `config.json` and no weights yet.
    public static void write(Path folder, long seed) throws IOException {
        Map<String, Object> config = JsonTree.read(folder.resolve(ModelDirectory.CONFIG));
        double range =
                config.get("initializer_range") instanceof Number n ? n.doubleValue() : RANGE;
        Architecture architecture = Architecture.of(config);
        boolean around = architecture.norms().placement() == Placement.AROUND;
        Layout usual =
                around
                        ? Layout.LLAMA.with(Layout.Part.MLP_IN, "pre_feedforward_layernorm")
                        : Layout.LLAMA;
        if (!architecture.layout().equals(usual)
                || architecture.norms().kind() != Architecture.NormPlan.Kind.RMS
                || architecture.mlp().experts() != null) {
            throw new UnsupportedModelException(
                    ModelDirectory.CONFIG,
                    List.of(
                            "training from scratch is not supported for family "
                                    + architecture.family()));
        }
        FreshWeights fresh = new FreshWeights(architecture, range, seed);
        fresh.addAll();
        fresh.writer.write(folder.resolve(ModelDirectory.WEIGHTS));
    }

    private void addAll() {
        Architecture.Size size = architecture.size();
        matrix("model.embed_tokens.weight", size.vocabulary(), size.width());
        for (int layer = 0; layer < size.layers(); layer++) {
            addLayer("model.layers.%d.".formatted(layer));
        }
        gain("model.norm.weight", size.width());
        if (!architecture.edges().tied()) {
            matrix("lm_head.weight", size.vocabulary(), size.width());
        }
    }

    private void addLayer(String path) {
        long width = architecture.size().width();
        Placement placement = architecture.norms().placement();
        if (placement != Placement.AFTER) {
            gain(path + "input_layernorm.weight", width);
        }
        gain(path + "post_attention_layernorm.weight", width);
        if (placement != Placement.BEFORE) {
            gain(path + "post_feedforward_layernorm.weight", width);
        }
        if (placement == Placement.AROUND) {
            gain(path + "pre_feedforward_layernorm.weight", width);
        }
        addAttention(path + "self_attn.");
        Architecture.Mlp mlp = architecture.mlp();
        linear(path + "mlp.gate_proj", mlp.width(), width, mlp.bias());
        linear(path + "mlp.up_proj", mlp.width(), width, mlp.bias());
        linear(path + "mlp.down_proj", width, mlp.width(), mlp.bias());
    }

    private void addAttention(String path) {
        AttentionShape shape = architecture.attention();
        long width = architecture.size().width();
        boolean inputBias = shape.bias() != Bias.NONE;
        linear(path + "q_proj", shape.queryWidth(), width, inputBias);
        linear(path + "k_proj", shape.keyWidth(), width, inputBias);
        linear(path + "v_proj", shape.keyWidth(), width, inputBias);
        linear(path + "o_proj", width, shape.queryWidth(), shape.bias() == Bias.ALL);
        switch (shape.norm()) {
            case NONE, EACH_HEAD -> {}
            case PER_HEAD, PER_TURNED_HEAD -> {
                gain(path + "q_norm.weight", shape.headWidth());
                gain(path + "k_norm.weight", shape.headWidth());
            }
            case WHOLE -> {
                gain(path + "q_norm.weight", shape.queryWidth());
                gain(path + "k_norm.weight", shape.keyWidth());
            }
        }
    }

    private void linear(String path, long outputs, long inputs, boolean bias) {
        matrix(path + ".weight", outputs, inputs);
        if (bias) {
            writer.add(path + ".bias", List.of(outputs), new float[Math.toIntExact(outputs)]);
        }
    }

    private void gain(String name, long width) {
        float[] values = new float[Math.toIntExact(width)];
        Arrays.fill(values, 1 - architecture.norms().gainOffset());
        writer.add(name, List.of(width), values);
    }

    private void matrix(String name, long rows, long columns) {
        CRC32 hash = new CRC32();
        hash.update(name.getBytes(StandardCharsets.UTF_8));
        long state = mix(seed) ^ mix(hash.getValue());
        float[] values = new float[Math.toIntExact(rows * columns)];
        for (int i = 0; i < values.length; i += 2) {
            // Box and Muller 1958: two uniform numbers become two normal ones.
            double radius = StrictMath.sqrt(-2 * StrictMath.log(uniform(state + i * GOLDEN_GAMMA)));
            double angle = 2 * StrictMath.PI * uniform(state + (i + 1) * GOLDEN_GAMMA);
            values[i] = (float) (range * radius * StrictMath.cos(angle));
            if (i + 1 < values.length) {
                values[i + 1] = (float) (range * radius * StrictMath.sin(angle));
            }
        }
        writer.add(name, List.of(rows, columns), values);
    }

    /// A number in (0, 1].
    private static double uniform(long state) {
        return ((mix(state) >>> 11) + 1) * 0x1.0p-53;
    }

    /// The finaliser of SplitMix64 (Steele, Lea, Flood, 2014).
    private static long mix(long value) {
        long z = value;
        z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
        z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
        return z ^ (z >>> 31);
    }
}
