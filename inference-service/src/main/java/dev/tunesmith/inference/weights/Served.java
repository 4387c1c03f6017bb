package dev.tunesmith.inference.weights;

import dev.tunesmith.contracts.template.ChatOptions;
import dev.tunesmith.contracts.tool.ToolFormat;
import dev.tunesmith.engine.data.ChatEncoder;
import dev.tunesmith.engine.data.TextEncoder;
import dev.tunesmith.engine.decode.CausalModel;
import dev.tunesmith.engine.text.Tokenizer;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;

/// A model that answers: weights in memory with the tokenizer and the template that belong to them.
///
/// @param conversations how it reads conversations
/// @param documents how it was taught to read plain texts, if it has a token for their end
/// @param calls how the model writes that it calls functions, if that is known
/// @param stopTokens tokens that end an answer
/// @param scorer how it scores texts, if it is a reward model
public record Served(
        CausalModel model,
        Tokenizer tokenizer,
        ChatEncoder conversations,
        Optional<TextEncoder> documents,
        Optional<ToolFormat> calls,
        Set<Integer> stopTokens,
        Optional<Scorer> scorer) {
    public Served {
        stopTokens = Set.copyOf(stopTokens);
    }

    /// The same model, which writes conversations otherwise.
    public Served with(ChatOptions options) {
        return new Served(
                model,
                tokenizer,
                conversations.with(options),
                documents,
                calls,
                stopTokens,
                scorer);
    }

    /// What a reward model says.
    @FunctionalInterface
    public interface Scorer {
        /// The score of a text at its last token; on the thread of the device.
        ///
        /// @return nothing while other texts have all the room
        OptionalDouble score(int[] tokens);
    }
}
