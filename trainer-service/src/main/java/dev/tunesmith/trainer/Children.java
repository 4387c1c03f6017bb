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

    private static final String START_CACHE = "child.aot";

    /// Training computes in native code; better code of its Java would cost more than it gives.
    private static final String QUICK_COMPILER = "-XX:TieredStopAtLevel=1";

    private final TrainerSettings settings;
    private final ChildStarter starter;

    Children(TrainerSettings settings, ChildStarter starter) {
        this.settings = settings;
        this.starter = starter;
    }

    ChildProcess train(Path folder, ChildProcess.Listener listener) throws IOException {
        List<String> command = command(settings.children().heapBytes(), List.of(QUICK_COMPILER));
        return start(folder, command, listener);
    }

    ChildProcess validate(Path folder, ChildProcess.Listener listener) throws IOException {
        List<String> command = command(settings.children().validateHeapBytes(), List.of());
        return start(folder, command, listener);
    }

    private ChildProcess start(Path folder, List<String> command, ChildProcess.Listener listener)
            throws IOException {
        Files.createDirectories(folder);
        ProcessBuilder builder = new ProcessBuilder(command).directory(folder.toFile());
        builder.environment().putAll(environment());
        return ChildProcess.follow(starter.start(builder), listener);
    }

    private List<String> command(long heapBytes, List<String> options) {
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
                                "--sun-misc-unsafe-memory-access=allow"));
        command.addAll(options);
        command.addAll(classesOfAnotherRun());
        command.addAll(List.of("-cp", absoluteClassPath()));
        command.add(settings.children().main());
        command.add(Long.toString(ProcessHandle.current().pid()));
        return command;
    }

    /// Classes that a build wrote beside this program's jar, loaded and linked: a child starts
    /// faster with them, and as before without, or when they are of another build.
    private static List<String> classesOfAnotherRun() {
        String first = System.getProperty("java.class.path").split(File.pathSeparator, -1)[0];
        Path cache = Path.of(first).toAbsolutePath().resolveSibling(START_CACHE);
        return Files.isRegularFile(cache)
                // What the virtual machine says of it would stand between the reports.
                ? List.of("-XX:AOTCache=" + cache, "-Xlog:aot=off", "-Xlog:cds=off")
                : List.of();
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
