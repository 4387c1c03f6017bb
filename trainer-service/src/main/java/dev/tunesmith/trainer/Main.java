package dev.tunesmith.trainer;

import dev.tunesmith.platform.json.Json;
import dev.tunesmith.platform.objects.ObjectStore;
import dev.tunesmith.platform.objects.S3Objects;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// The trainer host: one process a machine, or a device. It prints one line when it is ready,
/// drains on SIGTERM and then ends with code 0. Start reading at [Host].
public final class Main {
    private static final Logger log = LoggerFactory.getLogger(Main.class);

    private Main() {}

    public static void main(String[] arguments) throws IOException, InterruptedException {
        TrainerSettings asked = TrainerSettings.fromProcess();
        TrainerSettings settings = asked.on(DeviceQuestion.answer(asked.device(), Map.of()));
        HostIdentity identity = HostIdentity.take(settings.workDir());
        Host host = Host.start(settings, identity, objects(settings.objects()));
        Runtime.getRuntime()
                .addShutdownHook(Thread.ofPlatform().name("drain").unstarted(() -> end(host)));
        System.out.println(readyLine(identity, settings));
        Thread.currentThread().join();
    }

    /// `ready` stands first, as in the lines of the other parts.
    private static String readyLine(HostIdentity identity, TrainerSettings settings) {
        var line = new LinkedHashMap<String, Object>();
        line.put("ready", "trainer-service");
        line.put("host", identity.host());
        line.put("device", settings.device().described());
        line.put("device_memory_bytes", settings.device().memoryBytes());
        return Json.text(line);
    }

    private static ObjectStore objects(TrainerSettings.Objects objects) {
        return S3Objects.open(
                new ObjectStore.Credentials(
                        objects.endpoint(),
                        objects.bucket(),
                        objects.region(),
                        objects.accessKey(),
                        objects.secretKey()));
    }

    /// A drained host ended well, so the code is 0 and not that of the signal.
    private static void end(Host host) {
        try {
            host.close();
            Runtime.getRuntime().halt(0);
        } catch (IOException e) {
            log.error("drained, but not closed cleanly", e);
            Runtime.getRuntime().halt(1);
        }
    }
}
