package dev.tunesmith.contracts.fit;

/// The shape of a decoder model, as far as its size and its speed depend on it.
///
/// @param architecture the class name in `config.json`, `LlamaForCausalLM`
/// @param headWidth width of one attention head
/// @param tied the head shares the embedding table
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
        boolean attentionBias,
        long parameters,
        int contextLength) {}
