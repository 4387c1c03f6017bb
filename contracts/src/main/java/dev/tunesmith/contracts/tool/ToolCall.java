package dev.tunesmith.contracts.tool;

/// One call of a tool.
///
/// @param arguments JSON text, usually of an object
public record ToolCall(String name, String arguments) {}
