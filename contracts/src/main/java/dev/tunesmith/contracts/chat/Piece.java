package dev.tunesmith.contracts.chat;

/// What is given to a tokenizer at once.
public sealed interface Piece {

    /// Text with control tokens in it.
    record Text(String text) implements Piece {}

    /// One control token by its name.
    record Token(String name) implements Piece {}

    /// A token that each tokenizer has for itself.
    enum Special implements Piece {
        BOS,
        EOS
    }
}
