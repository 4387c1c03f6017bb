package dev.tunesmith.engine.adapter.kind;

import dev.tunesmith.engine.adapter.site.FileTensor;
import dev.tunesmith.engine.adapter.site.Scope;
import dev.tunesmith.engine.adapter.site.Site;
import dev.tunesmith.engine.adapter.site.Start;
import dev.tunesmith.engine.nn.Linear;
import dev.tunesmith.engine.nn.Weight;
import dev.tunesmith.engine.nn.prompt.LstmDirection;
import dev.tunesmith.engine.nn.prompt.LstmLayer;
import dev.tunesmith.engine.nn.prompt.RowSource;
import dev.tunesmith.engine.nn.prompt.Squash;
import dev.tunesmith.engine.nn.prompt.VirtualTokens;
import dev.tunesmith.engine.tape.Tape;
import dev.tunesmith.engine.tensor.Region;
import dev.tunesmith.engine.tensor.StepArena;
import dev.tunesmith.engine.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/// Learned tokens before every text: their inputs (prompt tuning, p-tuning), or their keys and
/// values in all layers (prefix tuning).
///
/// A file has what a network makes of its parameters, never the network: a stored adapter of such a
/// kind can be used, and goes on training only from the tensors of a checkpoint.
///
/// @param tokens how many are learned
/// @param hidden width inside the network
/// @param layers layers of an LSTM
public record PromptConfig(Scope scope, Network network, int tokens, int hidden, int layers)
        implements AdapterConfig {

    /// Name of the one tensor in files.
    static final String ROWS = "prompt_embeddings";

    private static final String ENCODER = "prompt_encoder.";

    /// What makes the rows.
    public enum Network {
        /// Nothing: inputs train directly.
        PROMPT,
        /// Inputs from a perceptron.
        PROMPT_MLP,
        /// Inputs from an LSTM.
        PROMPT_LSTM,
        /// Nothing: keys and values train directly.
        PREFIX,
        /// Keys and values from a perceptron.
        PREFIX_PROJECTION;

        boolean keysAndValues() {
            return this == PREFIX || this == PREFIX_PROJECTION;
        }

        boolean plain() {
            return this == PROMPT || this == PREFIX;
        }
    }

    static PromptConfig readPrompt(Settings settings) {
        return read(settings, Network.PROMPT);
    }

    static PromptConfig readEncoded(Settings settings) {
        String kind = settings.text("encoder_reparameterization_type", "MLP");
        if (!kind.equals("MLP") && !kind.equals("LSTM")) {
            settings.fault("encoder_reparameterization_type %s is not supported".formatted(kind));
        }
        return read(settings, kind.equals("LSTM") ? Network.PROMPT_LSTM : Network.PROMPT_MLP);
    }

    static PromptConfig readPrefix(Settings settings) {
        return read(
                settings,
                settings.flag("prefix_projection") ? Network.PREFIX_PROJECTION : Network.PREFIX);
    }

    private static PromptConfig read(Settings settings, Network network) {
        if (settings.integer("num_transformer_submodules", 1, 1) != 1) {
            settings.fault("num_transformer_submodules must be 1");
        }
        PromptConfig config =
                new PromptConfig(
                        settings.plainScope(),
                        network,
                        settings.integer("num_virtual_tokens", 1, 1),
                        settings.integer("encoder_hidden_size", 1, 0),
                        settings.integer("encoder_num_layers", 2, 1));
        settings.finish();
        return config;
    }

    @Override
    public String peftType() {
        return switch (network) {
            case PROMPT -> "PROMPT_TUNING";
            case PROMPT_MLP, PROMPT_LSTM -> "P_TUNING";
            case PREFIX, PREFIX_PROJECTION -> "PREFIX_TUNING";
        };
    }

    @Override
    public void attach(Site site) {
        long width = width(site);
        boolean made = !network.plain() && site.shape(ROWS).isPresent();
        RowSource source = made ? stored(site, width) : trained(site, width);
        if (!network.plain() && !made) {
            site.extras().put(ROWS, () -> made(source));
        }
        site.decoder()
                .useVirtualTokens(
                        network.keysAndValues()
                                ? new VirtualTokens.KeysAndValues(tokens, source)
                                : new VirtualTokens.Inputs(tokens, source));
        site.undo(() -> site.decoder().useVirtualTokens(null));
    }

    private static FileTensor made(RowSource source) {
        try (StepArena arena = StepArena.unlimited();
                Region step = arena.open("virtual tokens")) {
            Tensor rows = source.rows(Tape.silent(arena, step));
            return FileTensor.of(rows.toFloats(), rows.shape());
        }
    }

    private long width(Site site) {
        long inputs = site.decoder().architecture().size().width();
        return network.keysAndValues()
                ? 2L * site.decoder().architecture().size().layers() * keyWidth(site)
                : inputs;
    }

    private static int keyWidth(Site site) {
        return site.decoder().architecture().attention().keyWidth();
    }

    /// What a network made of its parameters, which the file does not have.
    private RowSource stored(Site site, long width) {
        return new RowSource.Table(site.matrix(ROWS, Start.zeros(), tokens, width));
    }

    private RowSource trained(Site site, long width) {
        long inputs = network.keysAndValues() ? keyWidth(site) : width;
        return switch (network) {
            case PROMPT, PREFIX ->
                    new RowSource.Table(
                            site.matrix(
                                    ROWS,
                                    network == Network.PROMPT
                                            ? new Start.Normal(deviation(site))
                                            : new Start.Normal(0.02),
                                    tokens,
                                    width));
            case PREFIX_PROJECTION ->
                    new RowSource.Perceptron(
                            table(site, inputs),
                            List.of(
                                    linear(site, "transform.0", inputs, hidden),
                                    linear(site, "transform.2", hidden, width)),
                            Squash.TANH);
            case PROMPT_MLP ->
                    new RowSource.Perceptron(
                            table(site, inputs),
                            List.of(
                                    linear(site, "mlp_head.0", inputs, hidden),
                                    linear(site, "mlp_head.2", hidden, hidden),
                                    linear(site, "mlp_head.4", hidden, width)),
                            Squash.RELU);
            case PROMPT_LSTM ->
                    new RowSource.Perceptron(
                            recurrent(site, inputs),
                            List.of(
                                    linear(site, "mlp_head.0", 2L * hidden, 2L * hidden),
                                    linear(site, "mlp_head.2", 2L * hidden, width)),
                            Squash.RELU);
        };
    }

    /// Spread of the embedding: virtual tokens begin among the real ones.
    private static double deviation(Site site) {
        float[] row = site.decoder().embedding().table().value().rowRange(0, 1).toFloats();
        double sum = 0;
        for (float value : row) {
            sum += (double) value * value;
        }
        return Math.sqrt(sum / row.length);
    }

    private RowSource table(Site site, long width) {
        return new RowSource.Table(
                site.unsaved(ENCODER + "embedding.weight", new Start.Normal(1), tokens, width));
    }

    private static Linear linear(Site site, String name, long inputs, long outputs) {
        Start start = Start.kaiming(inputs);
        String path = ENCODER + name;
        return new Linear(
                path,
                new Weight.Dense(site.unsaved(path + ".weight", start, outputs, inputs)),
                site.unsaved(path + ".bias", start, outputs));
    }

    private RowSource recurrent(Site site, long inputs) {
        List<LstmLayer> stack = new ArrayList<>();
        for (int layer = 0; layer < layers; layer++) {
            long width = layer == 0 ? inputs : 2L * hidden;
            stack.add(
                    new LstmLayer(
                            direction(site, "_l" + layer, width),
                            direction(site, "_l%d_reverse".formatted(layer), width)));
        }
        return new RowSource.Recurrent(table(site, inputs), stack);
    }

    private LstmDirection direction(Site site, String end, long inputs) {
        Start start = Start.kaiming(hidden);
        String path = ENCODER + "lstm_head.";
        return new LstmDirection(
                new LstmLayer.Weights(
                        site.unsaved(path + "weight_ih" + end, start, 4L * hidden, inputs),
                        site.unsaved(path + "weight_hh" + end, start, 4L * hidden, hidden),
                        site.unsaved(path + "bias_ih" + end, start, 4L * hidden),
                        site.unsaved(path + "bias_hh" + end, start, 4L * hidden)));
    }

    @Override
    public void write(Map<String, Object> tree) {
        tree.remove("target_modules");
        tree.put("num_virtual_tokens", tokens);
        tree.put("num_transformer_submodules", 1);
        switch (network) {
            case PROMPT -> tree.put("prompt_tuning_init", "RANDOM");
            case PROMPT_MLP, PROMPT_LSTM -> {
                boolean lstm = network == Network.PROMPT_LSTM;
                tree.put("encoder_reparameterization_type", lstm ? "LSTM" : "MLP");
                tree.put("encoder_hidden_size", hidden);
                tree.put("encoder_num_layers", layers);
                tree.put("encoder_dropout", 0.0);
            }
            case PREFIX, PREFIX_PROJECTION -> {
                tree.put("prefix_projection", network == Network.PREFIX_PROJECTION);
                tree.put("encoder_hidden_size", hidden);
            }
        }
    }

    @Override
    public PromptConfig withoutDropout() {
        return this;
    }
}
