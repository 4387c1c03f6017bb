package dev.tunesmith.testkit;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.extension.ConditionEvaluationResult;
import org.junit.jupiter.api.extension.ExecutionCondition;
import org.junit.jupiter.api.extension.ExtensionContext;

/// Skips the tests tagged `servers`, with the reason, when the build asks for servers in containers
/// and there is no Docker at hand. The build switches it on by JUnit's auto-detection.
public final class NeedsDocker implements ExecutionCondition {
    private static final String SERVERS = "test.servers";
    private static final long PATIENCE_SECONDS = 20;

    @Override
    public ConditionEvaluationResult evaluateExecutionCondition(ExtensionContext context) {
        boolean wanted =
                System.getProperty(SERVERS, "").equals("containers")
                        && context.getTags().contains("servers");
        if (!wanted || Answer.MISSING.isEmpty()) {
            return ConditionEvaluationResult.enabled(
                    "no containers are needed, or Docker is there");
        }
        return ConditionEvaluationResult.disabled("no Docker: " + Answer.MISSING);
    }

    /// Docker is asked once a JVM, by the first test that needs it.
    private static final class Answer {
        private static final String MISSING = ask();
    }

    /// The first line of what Docker says against it, empty when it works.
    private static String ask() {
        try {
            Process docker =
                    new ProcessBuilder(List.of("docker", "info", "--format", "{{.ServerVersion}}"))
                            .redirectErrorStream(true)
                            .start();
            docker.getOutputStream().close();
            if (!docker.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
                docker.destroyForcibly();
                return "docker info does not answer";
            }
            String text = new String(docker.getInputStream().readAllBytes(), UTF_8).strip();
            return docker.exitValue() == 0 ? "" : text.lines().findFirst().orElse("no reason");
        } catch (IOException e) {
            return String.valueOf(e.getMessage());
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
            return "interrupted";
        }
    }
}
