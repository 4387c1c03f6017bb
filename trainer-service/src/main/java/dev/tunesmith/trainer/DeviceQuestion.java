package dev.tunesmith.trainer;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.tunesmith.platform.json.Json;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/// What a host asks its [DeviceProbe]; the host itself loads nothing of the engine.
final class DeviceQuestion {
    private static final long WAIT_SECONDS = 60;
    private static final String PROBE = "dev.tunesmith.trainer.DeviceProbe";

    private DeviceQuestion() {}

    /// What a probe answers.
    record Found(String device, String described, long freeBytes) {}

    /// The device that was asked for, as it is. Of one whose memory was given, as much as that; of
    /// any other than the CPU, what is free now.
    ///
    /// @param environment of the process that asks, beside that of this one
    /// @throws IllegalStateException with the reason why it cannot be used
    static TrainerSettings.Device answer(
            TrainerSettings.Device asked, Map<String, String> environment)
            throws IOException, InterruptedException {
        if (asked.isCpu()) {
            return asked;
        }
        Found found = Json.read(ask(asked.name(), environment), Found.class);
        return new TrainerSettings.Device(
                found.device,
                found.described,
                asked.memoryBytes() == 0 ? found.freeBytes : asked.memoryBytes());
    }

    private static String ask(String name, Map<String, String> environment)
            throws IOException, InterruptedException {
        ProcessBuilder builder =
                new ProcessBuilder(
                        List.of(
                                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                                "-XX:+UseSerialGC",
                                "-XX:TieredStopAtLevel=1",
                                "--enable-native-access=ALL-UNNAMED",
                                "-cp",
                                System.getProperty("java.class.path"),
                                PROBE,
                                name));
        builder.environment().putAll(environment);
        Process process = builder.start();
        try {
            if (!process.waitFor(WAIT_SECONDS, TimeUnit.SECONDS)) {
                throw refused(name, "the driver gave no answer for %d s".formatted(WAIT_SECONDS));
            }
            if (process.exitValue() != 0) {
                throw refused(name, read(process.getErrorStream()).strip());
            }
            return read(process.getInputStream());
        } finally {
            process.destroyForcibly();
        }
    }

    private static String read(InputStream stream) throws IOException {
        return new String(stream.readAllBytes(), UTF_8);
    }

    private static IllegalStateException refused(String name, String reason) {
        return new IllegalStateException(
                "trainer-service cannot use the device %s: %s".formatted(name, reason));
    }
}
