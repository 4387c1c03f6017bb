package dev.tunesmith.engine.text;

/// What the text of a control token (such as `<|im_end|>`) means when it occurs in a text.
public enum SpecialText {
    /// The control token: text that a template wrote.
    PARSED,

    /// Plain characters: text that a user wrote.
    LITERAL
}
