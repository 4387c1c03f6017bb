package dev.tunesmith.contracts.chat;

import java.util.List;

/// Questions and answers in turn.
///
/// @param system empty if the template's own system text holds
/// @param tools JSON objects of the tools that may be called
public record Dialogue(List<Turn> turns, String system, List<?> tools) {
    public Dialogue {
        turns = List.copyOf(turns);
        tools = List.copyOf(tools);
    }

    Dialogue withTurns(List<Turn> other) {
        return new Dialogue(other, system, tools);
    }
}
