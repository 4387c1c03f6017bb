package dev.tunesmith.engine.gguf;

import dev.tunesmith.engine.io.ModelDirectory;
import dev.tunesmith.engine.io.ModelFileException;
import dev.tunesmith.engine.io.StoredTensor;
import dev.tunesmith.engine.io.WeightFiles;
import dev.tunesmith.engine.model.Architecture;
import dev.tunesmith.engine.model.DepthReader;
import dev.tunesmith.engine.nn.Activation;
import dev.tunesmith.engine.nn.Attention;
import dev.tunesmith.engine.nn.position.RopeScaling;
import dev.tunesmith.engine.nn.position.Rotary;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/// Turns a model folder into one GGUF file with metadata, vocabulary and weights, as llama.cpp
/// reads it; the way back from [GgufImport].
public final class GgufExport {
    /// Every so many layers of SmolLM3 do not turn; a file does not say it.
    static final int SMOLLM3_INTERVAL = 4;

    private final ModelDirectory model;
    private final WeightFiles weights;
    private final GgufMixture mixture;
    private final Architecture architecture;
    private final GgufWriter writer = new GgufWriter();
    private final List<String> faults = new ArrayList<>();

    private GgufExport(ModelDirectory model, WeightFiles weights, GgufMixture mixture) {
        this.model = model;
        this.weights = weights;
        this.mixture = mixture;
        this.architecture = Architecture.of(model.config());
    }

    /// Writes `file`, which must not exist. Weights are read as they are stored, a few rows at a
    /// time.
    ///
    /// @return what the file lacks, in words for the user
    /// @throws ModelFileException with every reason why the model cannot be said in a GGUF file
    public static List<String> run(ModelDirectory model, Path file, GgufMixture mixture)
            throws IOException {
        if (model.config().get("quantization_config") != null) {
            throw new ModelFileException(
                    model.path(), "the model is quantised: export the one that it was made from");
        }
        if (Files.exists(file)) {
            throw new ModelFileException(file, "the file exists already: name a new one");
        }
        try (WeightFiles weights = model.openWeights()) {
            var run = new GgufExport(model, weights, mixture);
            Optional<GgufFamily> family = run.family();
            List<String> notes = family.isPresent() ? run.collect(family.get()) : List.of();
            if (!run.faults.isEmpty()) {
                throw new ModelFileException(model.path(), String.join("; ", run.faults));
            }
            run.writer.write(file);
            return notes;
        }
    }

    private Optional<GgufFamily> family() {
        Optional<GgufFamily> family = GgufFamily.ofModel(architecture.family());
        if (family.isEmpty()) {
            faults.add(
                    "family %s is not exported to GGUF (supported: %s)"
                            .formatted(
                                    architecture.family(), String.join(", ", GgufFamily.models())));
        }
        return family;
    }

    private List<String> collect(GgufFamily family) {
        if (architecture.positions().windows_L().stream().anyMatch(window -> window > 0)) {
            faults.add("sliding windows are not said in GGUF files of " + family.wire());
        }
        if (model.config().get(DepthReader.KEY) != null) {
            faults.add("layers that few tokens pass are not said in GGUF files");
        }
        if (architecture.mlp().activation() != Activation.SILU) {
            faults.add("activation %s is not silu".formatted(architecture.mlp().activation()));
        }
        metadata(family);
        rotation(family, architecture.positions().rotaries().getFirst());
        List<String> notes =
                GgufVocabulary.add(writer, model, architecture.size().vocabulary(), faults);
        weights.names().forEach(name -> tensor(family, name));
        return notes;
    }

    private void metadata(GgufFamily family) {
        Architecture.Size size = architecture.size();
        writer.put("general.architecture", family.wire())
                .put("general.name", String.valueOf(model.path().toAbsolutePath().getFileName()))
                .put("general.file_type", mixture.fileType())
                .put("general.quantization_version", 2);
        put(family, "context_length", size.contextLength());
        put(family, "embedding_length", size.width());
        put(family, "block_count", size.layers());
        put(family, "feed_forward_length", architecture.mlp().width());
        put(family, "attention.head_count", architecture.attention().heads());
        put(family, "attention.head_count_kv", architecture.attention().kvHeads());
        put(family, "attention.key_length", architecture.attention().headWidth());
        put(family, "attention.value_length", architecture.attention().headWidth());
        put(family, "attention.layer_norm_rms_epsilon", architecture.norms().eps());
        put(family, "vocab_size", size.vocabulary());
        if (family == GgufFamily.GRANITE) {
            put(family, "attention.scale", architecture.attention().scale());
            put(family, "embedding_scale", architecture.edges().embeddingFactor());
            put(family, "residual_scale", architecture.edges().residualFactor());
            put(family, "logit_scale", 1 / architecture.edges().logitFactor());
        }
        if (family == GgufFamily.SMOLLM3 && !turnsAsUsual()) {
            faults.add(
                    "other layers without positions than every fourth are not said in GGUF files");
        }
    }

    private boolean turnsAsUsual() {
        List<Integer> rotaryOf_L = architecture.positions().rotaryOf_L();
        return IntStream.range(0, rotaryOf_L.size())
                .allMatch(layer ->
                        (rotaryOf_L.get(layer) == Attention.NO_ROTARY)
                                == ((layer + 1) % SMOLLM3_INTERVAL == 0));
    }

    private void rotation(GgufFamily family, Rotary rotary) {
        put(family, "rope.dimension_count", rotary.width());
        put(family, "rope.freq_base", rotary.theta());
        switch (rotary.scaling()) {
            case RopeScaling.Plain _ -> {}
            case RopeScaling.Linear linear -> {
                put(family, "rope.scaling.type", "linear");
                put(family, "rope.scaling.factor", linear.factor());
            }
            case RopeScaling.Llama3 _ when family != GgufFamily.LLAMA ->
                    faults.add("llama3's scaling is not said in GGUF files of " + family.wire());
            case RopeScaling.Llama3 _ -> {
                float[] factors = RopeFactors.of(rotary);
                writer.add(
                        GgufFamily.ROPE_FACTORS,
                        GgufType.F32,
                        List.of((long) factors.length),
                        _ -> factors);
            }
            case RopeScaling.Yarn yarn -> yarn(family, yarn);
            case RopeScaling.Dynamic _, RopeScaling.LongRope _ ->
                    faults.add(
                            "rotary scaling %s is not exported (supported: none, linear, llama3, yarn)"
                                    .formatted(rotary.scaling()));
        }
    }

    private void yarn(GgufFamily family, RopeScaling.Yarn yarn) {
        if (!yarn.truncate()) {
            faults.add("YaRN with truncate = false is not said in GGUF files");
        }
        put(family, "rope.scaling.type", "yarn");
        put(family, "rope.scaling.factor", yarn.factor());
        put(family, "rope.scaling.original_context_length", yarn.originalContext());
        put(family, "rope.scaling.yarn_beta_fast", yarn.betaFast());
        put(family, "rope.scaling.yarn_beta_slow", yarn.betaSlow());
        double own = yarn.attentionFactor() / YarnFactor.usual(yarn.factor());
        if (Math.abs(own - 1) > YarnFactor.NEGLIGIBLE) {
            put(family, "rope.scaling.yarn_attn_factor", own);
        }
    }

    private void put(GgufFamily family, String key, Object value) {
        writer.put(family.wire() + "." + key, value);
    }

    private void tensor(GgufFamily family, String name) {
        boolean tied = architecture.edges().tied();
        Optional<String> inFile = family.ggufName(name);
        if (inFile.isEmpty()) {
            // Some checkpoints hold frequencies that follow from the configuration.
            if (!name.endsWith("rotary_emb.inv_freq")) {
                faults.add("tensor %s has no name in GGUF files".formatted(name));
            }
            return;
        }
        if (tied && inFile.get().equals(GgufFamily.HEAD)) {
            return;
        }
        StoredTensor stored = weights.tensor(name);
        long width = stored.shape().getLast();
        int rows = Math.toIntExact(stored.elements() / width);
        boolean matrix = stored.shape().size() > 1;
        GgufType type =
                matrix
                        ? mixture.of(
                                inFile.get(),
                                GgufFamily.layer(inFile.get()),
                                architecture.size().layers(),
                                tied,
                                width)
                        : GgufType.F32;
        int heads = family.turned() ? heads(name) : 0;
        if (heads == 0) {
            writer.add(
                    inFile.get(),
                    type,
                    stored.shape(),
                    row -> weights.floats(name, row * width, width));
        } else if (matrix) {
            var order = new HeadRows(rows, heads);
            writer.add(
                    inFile.get(),
                    type,
                    stored.shape(),
                    row -> weights.floats(name, order.plain(row) * width, width));
        } else {
            float[] bias = turned(weights.floats(name), heads);
            writer.add(inFile.get(), type, stored.shape(), _ -> bias);
        }
    }

    private static float[] turned(float[] bias, int heads) {
        var order = new HeadRows(bias.length, heads);
        float[] turned = new float[bias.length];
        for (int row = 0; row < turned.length; row++) {
            turned[row] = bias[order.plain(row)];
        }
        return turned;
    }

    /// Heads of a projection whose rows turn with the position, else 0.
    private int heads(String name) {
        if (name.contains("q_proj")) {
            return architecture.attention().heads();
        }
        return name.contains("k_proj") ? architecture.attention().kvHeads() : 0;
    }
}
