package dev.tunesmith.engine.nn.prompt;

/// Tokens that an adapter puts before every text, by what it learns of them.
public sealed interface VirtualTokens {

    /// How many there are.
    int count();

    /// Where their values come from.
    RowSource source();

    /// Learned inputs of the first block, one row a token (prompt tuning, arXiv 2104.08691, and
    /// p-tuning, arXiv 2103.10385).
    record Inputs(int count, RowSource source) implements VirtualTokens {}

    /// Learned keys and values of every layer, one row a token: for each layer its keys, then its
    /// values (prefix tuning, arXiv 2101.00190). The keys are not rotated.
    record KeysAndValues(int count, RowSource source) implements VirtualTokens {}
}
