package dev.tunesmith.inference.weights;

import dev.tunesmith.contracts.tool.ToolFormat;
import dev.tunesmith.engine.data.Sample;
import dev.tunesmith.engine.decode.CausalModel;
import dev.tunesmith.engine.text.Tokenizer;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// A model that answers: weights in memory with the tokenizer and the template that belong to them.
///
/// @param calls how the model writes that it calls functions, if that is known
/// @param stopTokens tokens that end an answer
public record Served(
        CausalModel model,
        Tokenizer tokenizer,
        ChatPrompt prompt,
        Optional<ToolFormat> calls,
        Set<Integer> stopTokens) {
    public Served {
        stopTokens = Set.copyOf(stopTokens);
    }

    /// Renders a conversation, up to and including the header of the answer.
    @FunctionalInterface
    public interface ChatPrompt {
        /// The tokens of the rendered text, and the pictures at their placeholders.
        ///
        /// @param tools functions that the answer may call, as the wire describes them
        Sample tokens(List<Map<String, Object>> messages, List<Map<String, Object>> tools);
    }
}
