package dev.tunesmith.standalone.supervise;

import java.time.Duration;
import java.util.List;
import java.util.Map;

/// One process of the stack.
///
/// @param name what the ready line, the log file and `status` call it
/// @param command program and arguments
/// @param environment what is added to the supervisor's own environment
/// @param after parts that must be ready before this one starts
/// @param readyWithin how long its ready line may take
/// @param once it does one thing and ends; ready when it ended with code 0, never started again
/// @param stopWithin how long it may take to end after SIGTERM, before it is killed
public record Part(
        String name,
        List<String> command,
        Map<String, String> environment,
        List<String> after,
        Duration readyWithin,
        boolean once,
        Duration stopWithin) {
    public Part {
        command = List.copyOf(command);
        environment = Map.copyOf(environment);
        after = List.copyOf(after);
    }
}
