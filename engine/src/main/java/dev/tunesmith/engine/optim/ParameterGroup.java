package dev.tunesmith.engine.optim;

import dev.tunesmith.contracts.care.Groups;
import dev.tunesmith.engine.nn.Parameter;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.function.Predicate;
import java.util.regex.Pattern;

/// Parameters that an optimizer treats alike.
///
/// @param decay decoupled weight decay
/// @param rateFactor multiplies the learning rate of the step
public record ParameterGroup(List<Parameter> parameters, double decay, double rateFactor) {

    /// Names that transformers never decays: biases and every kind of norm.
    private static final Pattern UNDECAYED =
            Pattern.compile(
                    "bias|layernorm|rmsnorm|(?:^|\\.)norm(?:$|\\.)|_norm(?:$|\\.)"
                            + "|(?:^|\\.)ln_",
                    Pattern.CASE_INSENSITIVE);

    private static final Pattern BIAS = Pattern.compile("bias", Pattern.CASE_INSENSITIVE);
    private static final Pattern TABLE =
            Pattern.compile(
                    "embed_tokens|lm_head|\\bwte\\b|\\bwpe\\b|embed_in|embed_out|lora_embedding_");

    public ParameterGroup {
        parameters = List.copyOf(parameters);
    }

    /// The same parameters, cut into groups by what decays and by how fast their layers learn: the
    /// head and what lies behind the last layer at the full rate, each layer `layerDecay` times as
    /// fast as the one above, the tables of tokens as one more layer below (arXiv 2106.08254).
    ///
    /// @param layers of the whole model
    public List<ParameterGroup> cut(Groups how, double wanted, int layers) {
        Map<List<Double>, List<Parameter>> cut = new LinkedHashMap<>();
        for (Parameter parameter : parameters) {
            double rate = rateFactor * Math.pow(how.layerDecay(), depth(parameter.name(), layers));
            double own = decays(parameter.name(), how) ? wanted : 0;
            cut.computeIfAbsent(List.of(own, rate), _ -> new ArrayList<>()).add(parameter);
        }
        return cut.entrySet().stream()
                .map(entry ->
                        new ParameterGroup(
                                entry.getValue(),
                                entry.getKey().getFirst(),
                                entry.getKey().getLast()))
                .toList();
    }

    /// How many layers lie above.
    static int depth(String name, int layers) {
        OptionalInt layer = BlockOptimizer.layer(name);
        boolean below = TABLE.matcher(name).find() && !name.contains("lm_head");
        return layer.isPresent() ? layers - layer.getAsInt() : below ? layers + 1 : 0;
    }

    private static boolean decays(String name, Groups how) {
        if (BIAS.matcher(name).find()) {
            return how.decayBiases();
        }
        if (UNDECAYED.matcher(name).find()) {
            return how.decayNorms();
        }
        return how.decayEmbeddings() || !TABLE.matcher(name).find();
    }

    /// The groups that transformers makes: everything decays but biases and norms.
    public static List<ParameterGroup> byDecay(List<Parameter> parameters, double decay) {
        return List.of(
                new ParameterGroup(kept(parameters, ParameterGroup::decays), decay, 1),
                new ParameterGroup(kept(parameters, p -> !decays(p)), 0, 1));
    }

    /// The groups of LoRA+ (arXiv 2402.12354) as peft makes them: factors over the input keep the
    /// rate, embedding factors have one of their own, and factors over the output, as well as
    /// vectors, learn `ratio` times as fast.
    ///
    /// @param embeddingFactor rate of embedding factors relative to the base rate
    public static List<ParameterGroup> loraPlus(
            List<Parameter> parameters, double decay, double ratio, double embeddingFactor) {
        Predicate<Parameter> embedding = p -> p.name().contains("lora_embedding_");
        Predicate<Parameter> fast =
                p -> !embedding.test(p) && (p.name().contains("lora_B") || p.value().rank() == 1);
        return List.of(
                new ParameterGroup(
                        kept(parameters, p -> !embedding.test(p) && !fast.test(p)), decay, 1),
                new ParameterGroup(kept(parameters, embedding), decay, embeddingFactor),
                new ParameterGroup(
                        kept(parameters, fast.and(ParameterGroup::decays)), decay, ratio),
                new ParameterGroup(kept(parameters, fast.and(p -> !decays(p))), 0, ratio));
    }

    /// Whether weight decay may touch a parameter.
    public static boolean decays(Parameter parameter) {
        return !UNDECAYED.matcher(parameter.name()).find();
    }

    private static List<Parameter> kept(List<Parameter> parameters, Predicate<Parameter> which) {
        return new ArrayList<>(parameters.stream().filter(which).toList());
    }
}
