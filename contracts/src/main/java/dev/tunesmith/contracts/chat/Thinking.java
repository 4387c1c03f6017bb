package dev.tunesmith.contracts.chat;

/// What happens to thoughts in the templates of models that think.
///
/// @param keepEarlier whether thoughts of earlier answers stay where a dialogue is one question
/// @param dropEarlier whether only the last answer keeps its thought
public record Thinking(Mode mode, boolean keepEarlier, boolean dropEarlier) {

    /// Every answer thinks, in training as in the template's own default.
    public static final Thinking ON = new Thinking(Mode.ON, false, false);

    /// Whether answers think.
    public enum Mode {
        /// A missing thought is learned as an empty one.
        ON,
        /// Thoughts are taken out, and the question ends with an empty one.
        OFF,
        /// Thoughts are kept; where one is missing, the question ends with an empty one.
        AS_GIVEN
    }
}
