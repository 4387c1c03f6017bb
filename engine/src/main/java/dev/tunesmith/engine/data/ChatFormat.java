package dev.tunesmith.engine.data;

import dev.tunesmith.contracts.template.Rendered;
import java.util.List;
import java.util.Map;

/// How a model wants a conversation to be written.
@FunctionalInterface
public interface ChatFormat {

    /// Writes a conversation. Messages have `role`, `content` and what else the wire allows.
    ///
    /// @param generationPrompt whether the text ends with the header of the answer to come
    /// @return the text, and where in it each assistant message was written by the model
    /// @throws UnusableRowException if the template refuses the conversation
    Rendered render(List<Map<String, Object>> messages, boolean generationPrompt);
}
