package dev.tunesmith.engine.data;

import dev.tunesmith.contracts.template.Rendered;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// How a model wants a conversation to be written.
@FunctionalInterface
public interface ChatFormat {

    /// The same format with further variables of its template; others have none.
    ///
    /// @param more variables by name, which win over those of the same name that are there
    default ChatFormat with(Map<String, ? extends @Nullable Object> more) {
        return this;
    }

    /// Writes a conversation. Messages have `role`, `content` and what else the wire allows.
    ///
    /// @param generationPrompt whether the text ends with the header of the answer to come
    /// @return the text, and where in it each assistant message was written by the model
    /// @throws UnusableRowException if the template refuses the conversation
    Rendered render(List<Map<String, Object>> messages, boolean generationPrompt);

    /// Writes a whole conversation in which functions may be called.
    ///
    /// @throws UnusableRowException if the format has no place for functions
    default Rendered render(List<Map<String, Object>> messages, List<Map<String, Object>> tools) {
        if (!tools.isEmpty()) {
            throw new UnusableRowException("tools", "this model has no place for functions");
        }
        return render(messages, false);
    }

    /// Writes a conversation up to the header of the answer, with functions that it may call.
    ///
    /// @param tools functions as the wire describes them
    /// @throws UnusableRowException if the format has no place for functions
    default Rendered prompt(List<Map<String, Object>> messages, List<Map<String, Object>> tools) {
        if (!tools.isEmpty()) {
            throw new UnusableRowException("tools", "this model has no place for functions");
        }
        return render(messages, true);
    }
}
