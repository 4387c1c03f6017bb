package dev.tunesmith.contracts.dataset;

/// How a row of a dataset holds a conversation.
public enum Layout {
    /// `instruction`, `input`, `output`, `history`.
    ALPACA,
    /// `conversations` of `from` and `value`, questions and answers in turn.
    SHAREGPT,
    /// `messages` of `role` and `content` with `tool_calls`.
    OPENAI
}
