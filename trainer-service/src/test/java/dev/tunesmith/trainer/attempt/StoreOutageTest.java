package dev.tunesmith.trainer.attempt;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tunesmith.contracts.event.ChildReport;
import dev.tunesmith.contracts.event.ExitCode;
import dev.tunesmith.platform.objects.ObjectStore;
import dev.tunesmith.platform.objects.S3Objects;
import dev.tunesmith.standalone.ChildJvm;
import dev.tunesmith.standalone.S3Node;
import dev.tunesmith.trainer.attempt.RunningChild.Settings;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// The object server dies in the middle of a run, and comes back.
class StoreOutageTest {

    private static final String KEY = "tunesmith";
    private static final String SECRET = "outage-test-secret";

    @TempDir Path folder;

    @Test
    void trainingGoesOnWhileTheStoreIsAwayAndNothingIsLost() throws Exception {
        TinyJob job;
        RunningChild.Settings settings;
        int port;
        try (ChildJvm server = server(0)) {
            port = server.port();
            settings = new Settings("http://127.0.0.1:" + port, KEY, SECRET, Duration.ofMinutes(1));
            try (S3Objects objects = open(settings)) {
                job = TinyJob.store(objects, folder);
            }
            try (RunningChild child =
                    RunningChild.start(
                            folder.resolve("work"),
                            settings,
                            job.start(TinyJob.spec(4_000, 100), 1, null))) {
                ChildReport.Checkpoint first = child.await(ChildReport.Checkpoint.class, _ -> true);
                server.kill();
                long away = child.last(ChildReport.Stepped.class).step();
                ChildReport.Stepped _ =
                        child.await(ChildReport.Stepped.class, s -> s.step() > away + 150);

                try (ChildJvm again = server(port)) {
                    assertThat(child.exit()).isEqualTo(ExitCode.FINISHED);
                    assertThat(again.alive()).isTrue();
                }
                assertThat(child.last(ChildReport.Checkpoint.class).step())
                        .isGreaterThan(first.step());
            }
        }
    }

    private ChildJvm server(int port) throws Exception {
        Path data = Files.createDirectories(folder.resolve("objects"));
        return S3Node.start(data, port, KEY, SECRET, folder.resolve("objects.log"));
    }

    private static S3Objects open(Settings settings) {
        return S3Objects.open(
                new ObjectStore.Credentials(
                        settings.endpoint(), S3Node.BUCKET, "us-east-1", KEY, SECRET));
    }
}
