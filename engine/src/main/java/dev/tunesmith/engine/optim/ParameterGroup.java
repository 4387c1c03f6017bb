package dev.tunesmith.engine.optim;

import dev.tunesmith.engine.nn.Parameter;
import java.util.ArrayList;
import java.util.List;
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

    public ParameterGroup {
        parameters = List.copyOf(parameters);
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
