package dev.tunesmith.contracts.fit;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/// The shape of a decoder model, as far as its size and its speed depend on it.
///
/// @param architecture the class name in `config.json`, `LlamaForCausalLM`
/// @param headWidth width of one attention head
/// @param tied the head shares the embedding table
/// @param extras what few models have
/// @param parameters all parameters, the shared table counted once
/// @param contextLength tokens that the model was made for
public record ModelFacts(
        String architecture,
        int layers,
        int width,
        int heads,
        int kvHeads,
        int headWidth,
        int mlpWidth,
        int vocabulary,
        boolean tied,
        Extras extras,
        long parameters,
        int contextLength) {

    public ModelFacts {
        // Facts of earlier releases were stored without it.
        extras =
                Objects.requireNonNullElseGet(
                        extras, () -> new Extras(architecture.startsWith(BIASED), null, 0));
    }

    private static final String BIASED = "Qwen2";

    /// What few models have.
    ///
    /// @param attentionBias the query, key and value layers have biases
    /// @param routers what leaves tokens out of layers; null where every token passes all of them
    /// @param adapter parameters of an adapter that stands beside the weights; 0 without one
    public record Extras(boolean attentionBias, @Nullable Routers routers, long adapter) {
        /// A model without biases whose tokens pass all layers.
        public static final Extras NONE = new Extras(false, null, 0);
    }

    /// Of so many layers the last is passed by a share of the tokens of a text.
    public record Routers(int every, double capacity) {
        private static @Nullable Routers of(Map<String, Object> config) {
            return config.get("mixture_of_depths") instanceof Map<?, ?> object
                            && object.get("every") instanceof Integer every
                            && object.get("capacity") instanceof Number capacity
                    ? new Routers(Math.max(1, every), capacity.doubleValue())
                    : null;
        }
    }

    /// Whether the query, key and value layers have biases.
    public boolean attentionBias() {
        return extras.attentionBias;
    }

    /// Parameters of an adapter that stands beside the weights.
    public long adapter() {
        return extras.adapter;
    }

    /// What leaves tokens out of layers; null where every token passes all of them.
    public @Nullable Routers routers() {
        return extras.routers;
    }

    /// Reads the tree of a `config.json`.
    ///
    /// Knows the names that families have for sizes, with the defaults of `transformers`; of a
    /// vision-language model it counts the text model. All experts of a mixture count as one wide
    /// MLP, which is right for weights and more than enough for activations.
    ///
    /// @throws IllegalArgumentException naming every key that is missing or impossible
    public static ModelFacts fromConfig(Map<String, Object> config) {
        var reader = new ConfigReader(FamilyDefaults.completed(ConfigNames.usual(config)));
        String architecture = reader.architecture();
        int layers = reader.positive("num_hidden_layers", null);
        int width = reader.positive("hidden_size", null);
        int heads = reader.positive("num_attention_heads", null);
        int kvHeads = reader.positive("num_key_value_heads", heads);
        int headWidth = reader.headWidth(width / Math.max(1, heads));
        int mlpWidth = reader.mlpWidth(4 * width);
        int vocabulary = reader.positive("vocab_size", null);
        int contextLength = reader.positive("max_position_embeddings", 2048);
        reader.check(
                heads % Math.max(1, kvHeads) == 0,
                "num_attention_heads %d is no multiple of num_key_value_heads %d"
                        .formatted(heads, kvHeads));
        boolean tied = reader.flag("tie_word_embeddings", false);
        boolean bias = reader.flag("attention_bias", architecture.startsWith(BIASED));
        reader.finish();
        ModelFacts unsized =
                new ModelFacts(
                        architecture,
                        layers,
                        width,
                        heads,
                        kvHeads,
                        headWidth,
                        mlpWidth,
                        vocabulary,
                        tied,
                        new Extras(bias, Routers.of(config), 0),
                        0,
                        contextLength);
        return unsized.withParameters(unsized.count() + ConfigNames.towerParameters(config));
    }

    /// The same model with so many parameters in all.
    ModelFacts withParameters(long count) {
        return with(layers, extras, count);
    }

    /// The same model with routers.
    public ModelFacts withRouters(int every, double capacity) {
        var routed = new Extras(extras.attentionBias, new Routers(every, capacity), extras.adapter);
        return with(layers, routed, parameters);
    }

    /// The same model with an adapter of so many parameters.
    public ModelFacts withAdapter(long count) {
        return with(layers, new Extras(extras.attentionBias, extras.routers, count), parameters);
    }

    /// The same model with the adapter that a job trains.
    public ModelFacts withAdapter(Workload work) {
        return withAdapter(AdapterSize.trained(this, work) + PartSize.beside(this, work));
    }

    /// The same model with another number of layers.
    public ModelFacts withLayers(int count) {
        return with(count, extras, parameters + (count - layers) * layerParameters());
    }

    private ModelFacts with(int ofLayers, Extras having, long count) {
        return new ModelFacts(
                architecture,
                ofLayers,
                width,
                heads,
                kvHeads,
                headWidth,
                mlpWidth,
                vocabulary,
                tied,
                having,
                count,
                contextLength);
    }

    /// Parameters of some modules of one layer; a module that is not known by its name counts as
    /// the whole layer.
    ///
    /// @param modules names or parts of paths, or `all`
    public long layerParameters(List<String> modules) {
        long sum = 0;
        for (String module : modules) {
            String last = module.substring(module.lastIndexOf('.') + 1);
            List<Linear> named =
                    linears().stream().filter(linear -> linear.belongsTo(last)).toList();
            sum +=
                    named.isEmpty()
                            ? last.endsWith("norm") ? width : layerParameters()
                            : named.stream().mapToLong(l -> l.inputs * l.outputs).sum();
        }
        return Math.min(sum, layerParameters());
    }

    /// Parameters of modules beside the layers.
    public long outerParameters(List<String> modules) {
        return modules.stream()
                .mapToLong(module -> module.endsWith("norm") ? width : (long) vocabulary * width)
                .sum();
    }

    /// Width of all query heads together.
    public long queryWidth() {
        return (long) heads * headWidth;
    }

    /// Width of all key heads together.
    public long keyWidth() {
        return (long) kvHeads * headWidth;
    }

    /// Parameters of one decoder layer.
    public long layerParameters() {
        long attention = 2L * width * queryWidth() + 2L * width * keyWidth();
        long biases = attentionBias() ? queryWidth() + 2 * keyWidth() : 0;
        long norms = 2L * width;
        return attention + biases + 3L * width * mlpWidth + norms;
    }

    private long count() {
        long tables = (tied ? 1L : 2L) * vocabulary * width;
        return tables + layers * layerParameters() + width;
    }

    /// Parameters of a LoRA adapter: for each adapted layer `rank · (inputs + outputs)`.
    ///
    /// @param targetModules last segments of module names, or `all-linear`
    public long loraParameters(int rank, List<String> targetModules) {
        long sum = 0;
        for (Linear linear : linears()) {
            if (targetModules.contains("all-linear") || targetModules.contains(linear.name)) {
                sum += linear.inputs + linear.outputs;
            }
        }
        return sum * rank * layers;
    }

    /// Weights of all linear layers but the head, without biases.
    public long linearParameters() {
        return layers * linears().stream().mapToLong(l -> l.inputs * l.outputs).sum();
    }

    /// Weights of the head, and of all other linear layers unless those are quantised.
    long multiplied(boolean quantised) {
        return (long) vocabulary * width + (quantised ? 0 : linearParameters());
    }

    /// Weights of the largest linear layer but the head.
    public long largestLinear() {
        return linears().stream().mapToLong(l -> l.inputs * l.outputs).max().orElse(0);
    }

    /// The linear layers of one decoder layer.
    List<Linear> linears() {
        return List.of(
                new Linear("q_proj", width, queryWidth()),
                new Linear("k_proj", width, keyWidth()),
                new Linear("v_proj", width, keyWidth()),
                new Linear("o_proj", queryWidth(), width),
                new Linear("gate_proj", width, mlpWidth),
                new Linear("up_proj", width, mlpWidth),
                new Linear("down_proj", mlpWidth, width));
    }

    /// A linear layer by the last segment of its name.
    record Linear(String name, long inputs, long outputs) {
        private boolean belongsTo(String module) {
            return switch (module) {
                case "mlp" -> !attention();
                case "self_attn", "attention" -> attention();
                default -> name.equals(module);
            };
        }

        private boolean attention() {
            return List.of("q_proj", "k_proj", "v_proj", "o_proj").contains(name);
        }
    }

    /// Takes values out of a config and remembers what is wrong with it.
    private static final class ConfigReader {
        private final Map<String, Object> config;
        private final List<String> wrong = new ArrayList<>();

        private ConfigReader(Map<String, Object> config) {
            this.config = config;
        }

        private String architecture() {
            if (config.get("architectures") instanceof List<?> list
                    && !list.isEmpty()
                    && list.getFirst() instanceof String name) {
                return name;
            }
            wrong.add("architectures must name a class");
            return "";
        }

        private int positive(String key, @Nullable Integer otherwise) {
            Object value = config.get(key);
            if (value == null && otherwise != null) {
                return otherwise;
            }
            if (value instanceof Number number
                    && number.longValue() == number.doubleValue()
                    && number.longValue() > 0
                    && number.longValue() <= Integer.MAX_VALUE) {
                return number.intValue();
            }
            wrong.add("%s must be a positive whole number, found %s".formatted(key, value));
            return 1;
        }

        /// Width of a head; with latent attention, of both of its parts together.
        private int headWidth(int otherwise) {
            return config.get("kv_lora_rank") == null
                    ? positive("head_dim", otherwise)
                    : positive("qk_nope_head_dim", 128) + positive("qk_rope_head_dim", 64);
        }

        /// The width of the MLP, or of all experts together.
        private int mlpWidth(int plain) {
            int width = positive("intermediate_size", ConfigNames.plainMlp(config) ? plain : null);
            int experts =
                    positive(
                            "num_local_experts",
                            positive("num_experts", positive("n_routed_experts", 1)));
            if (experts == 1) {
                return width;
            }
            int each = positive("moe_intermediate_size", width);
            int shared =
                    positive(
                            "shared_expert_intermediate_size",
                            config.get("n_shared_experts") instanceof Integer count && count > 0
                                    ? count * each
                                    : 0);
            return experts * each + shared;
        }

        private boolean flag(String key, boolean otherwise) {
            return config.get(key) instanceof Boolean flag ? flag : otherwise;
        }

        private void check(boolean right, String message) {
            if (!right) {
                wrong.add(message);
            }
        }

        private void finish() {
            if (!wrong.isEmpty()) {
                throw new IllegalArgumentException("config.json: " + String.join("; ", wrong));
            }
        }
    }
}
