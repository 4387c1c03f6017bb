package dev.tunesmith.standalone;

import java.io.IOException;
import java.util.Map;

/// What a main of this package reads from its environment and says on its standard output.
record NodeSettings(Map<String, String> environment) {
    /// Set by a parent that wants its child to end with it.
    static final String WITH_PARENT = "TUNESMITH_END_WITH_STDIN";

    String text(String name) {
        String value = environment.get(name);
        if (value == null || value.isEmpty()) {
            throw new IllegalArgumentException("the environment has no " + name);
        }
        return value;
    }

    int number(String name, int missing) {
        String value = environment.getOrDefault(name, "");
        return value.isEmpty() ? missing : Integer.parseInt(value);
    }

    /// Prints the ready line, the only line of these processes on standard output.
    void ready(String part, int port, long pid) {
        System.out.println("{\"ready\":\"%s\",\"port\":%d,\"pid\":%d}".formatted(part, port, pid));
        if (environment.containsKey(WITH_PARENT)) {
            Thread.ofPlatform().daemon().name("watch-stdin").start(NodeSettings::endWithStdin);
        }
    }

    /// The pipe to a parent ends when the parent ends, however it ends.
    private static void endWithStdin() {
        try {
            System.in.transferTo(java.io.OutputStream.nullOutputStream());
        } catch (IOException _) {
            // A broken pipe says the same as its end.
        }
        System.exit(0);
    }
}
