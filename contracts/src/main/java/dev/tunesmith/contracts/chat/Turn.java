package dev.tunesmith.contracts.chat;

/// One turn of a dialogue.
///
/// @param content the text; for calls, a JSON object or list of objects with `name` and
///   `arguments`, with a thought in front if there is one
public record Turn(Role role, String content) {

    /// Who speaks.
    public enum Role {
        USER,
        ASSISTANT,
        /// The assistant calls tools.
        CALLS,
        /// What tools gave back.
        RESULT
    }

    /// The same turn with another text.
    Turn withContent(String other) {
        return new Turn(role, other);
    }
}
