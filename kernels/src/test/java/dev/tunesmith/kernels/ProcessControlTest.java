package dev.tunesmith.kernels;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class ProcessControlTest {

    @Test
    void aChildDiesWhenTheThreadThatStartedItEnds() throws Exception {
        Process[] child = new Process[1];
        Thread starter =
                Thread.ofPlatform()
                        .start(() -> {
                            child[0] = startSleeper(ProcessHandle.current().pid());
                            awaitReady(child[0]);
                        });
        starter.join();

        assertThat(child[0].waitFor(20, TimeUnit.SECONDS)).isTrue();
        assertThat(child[0].exitValue()).isEqualTo(128 + 9);
    }

    @Test
    void tellsThatTheParentIsGone() throws Exception {
        Process child = startSleeper(-7);
        try {
            assertThat(child.inputReader(StandardCharsets.UTF_8).readLine()).isEqualTo("false");
        } finally {
            child.destroyForcibly();
        }
    }

    private static Process startSleeper(long parent) {
        try {
            return new ProcessBuilder(
                            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                            "--enable-native-access=ALL-UNNAMED",
                            "-cp",
                            System.getProperty("java.class.path"),
                            Sleeper.class.getName(),
                            Long.toString(parent))
                    .redirectError(ProcessBuilder.Redirect.INHERIT)
                    .start();
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    private static void awaitReady(Process child) {
        try {
            BufferedReader lines = child.inputReader(StandardCharsets.UTF_8);
            assertThat(lines.readLine()).isEqualTo("true");
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    /// Sleeps far longer than the test, unless the kernel ends it.
    static final class Sleeper {
        private Sleeper() {}

        public static void main(String[] arguments) throws InterruptedException {
            System.out.println(ProcessControl.diesWith(Long.parseLong(arguments[0])));
            Thread.sleep(60_000);
        }
    }
}
