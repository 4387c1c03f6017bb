package dev.tunesmith.trainer;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/// How a child JVM is started: the parent's class path, and an environment in which the math
/// libraries behave. They read it when they are loaded, so it cannot be set later.
final class Children {
    /// Large blocks stay in the heap of the C library instead of going back to the kernel after
    /// each product, and huge pages back them (reference: engine, process settings).
    private static final String GLIBC_TUNABLES =
            "glibc.malloc.mmap_threshold=4294967296"
                    + ":glibc.malloc.trim_threshold=8589934592"
                    + ":glibc.malloc.hugetlb=1";

    private final TrainerSettings settings;
    private final ChildStarter starter;

    Children(TrainerSettings settings, ChildStarter starter) {
        this.settings = settings;
        this.starter = starter;
    }

    ChildProcess train(Path folder, ChildProcess.Listener listener) throws IOException {
        return start(folder, settings.children().heapBytes(), listener);
    }

    ChildProcess validate(Path folder, ChildProcess.Listener listener) throws IOException {
        return start(folder, settings.children().validateHeapBytes(), listener);
    }

    private ChildProcess start(Path folder, long heapBytes, ChildProcess.Listener listener)
            throws IOException {
        Files.createDirectories(folder);
        ProcessBuilder builder = new ProcessBuilder(command(heapBytes)).directory(folder.toFile());
        builder.environment().putAll(environment());
        return ChildProcess.follow(starter.start(builder), listener);
    }

    private List<String> command(long heapBytes) {
        String java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
        List<String> command =
                new ArrayList<>(
                        List.of(
                                java,
                                "-Xmx" + (heapBytes >> 20) + "m",
                                "-XX:+UseSerialGC",
                                // Fresh pages of a young generation are memory too.
                                "-XX:MaxNewSize=16m",
                                "-XX:+ExitOnOutOfMemoryError",
                                "-XX:-UsePerfData",
                                "--enable-native-access=ALL-UNNAMED",
                                "--sun-misc-unsafe-memory-access=allow",
                                "-cp",
                                absoluteClassPath()));
        command.add(settings.children().main());
        command.add(Long.toString(ProcessHandle.current().pid()));
        return command;
    }

    /// The child runs in a folder of its own, so relative entries would be lost.
    private static String absoluteClassPath() {
        List<String> entries = new ArrayList<>();
        for (String entry : System.getProperty("java.class.path").split(File.pathSeparator, -1)) {
            entries.add(Path.of(entry).toAbsolutePath().toString());
        }
        return String.join(File.pathSeparator, entries);
    }

    private Map<String, String> environment() {
        TrainerSettings.Objects objects = settings.objects();
        return Map.ofEntries(
                Map.entry("OMP_NUM_THREADS", Integer.toString(settings.children().threads())),
                Map.entry("OPENBLAS_NUM_THREADS", "1"),
                Map.entry("OMP_WAIT_POLICY", "PASSIVE"),
                Map.entry("GLIBC_TUNABLES", GLIBC_TUNABLES),
                Map.entry("RUST_FLAVOR", "cpu"),
                Map.entry("TUNESMITH_DEVICE", settings.device().name()),
                Map.entry("TUNESMITH_OBJECTS_ENDPOINT", objects.endpoint()),
                Map.entry("TUNESMITH_OBJECTS_ACCESS_KEY", objects.accessKey()),
                Map.entry("TUNESMITH_OBJECTS_SECRET_KEY", objects.secretKey()),
                Map.entry("TUNESMITH_OBJECTS_BUCKET", objects.bucket()),
                Map.entry("TUNESMITH_OBJECTS_REGION", objects.region()),
                Map.entry(
                        "TUNESMITH_WORK_DIR",
                        settings.workDir().resolve("inputs").toAbsolutePath().toString()));
    }
}
