package dev.tunesmith.contracts.data;

/// Turns the text of a line into a JSON tree; given by the caller, since contracts knows no JSON
/// library. Bounds on depth and length are the parser's.
@FunctionalInterface
public interface LineParser {
    /// The tree of one JSON value: `Map`, `List`, `String`, `Number`, `Boolean`.
    ///
    /// @throws MalformedLineException if the line is not exactly one JSON value
    Object parse(String line) throws MalformedLineException;
}
