package dev.tunesmith.engine.text;

/// What the text of a control token (such as `<|im_end|>`) means when it occurs in a text.
public enum SpecialText {
    /// The control token: text that a template wrote.
    PARSED,

    /// Plain characters, as the reference has it: a vocabulary that holds the name among its words
    /// (Unigram) may still give the control token.
    LITERAL,

    /// Plain characters in any case: text that a user wrote. Added tokens that control nothing,
    /// such as runs of blanks, are words like any other.
    USER
}
