package dev.tunesmith.standalone.supervise;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/// Where the built parts lie below the project's root, and how a JVM is started on each.
///
/// @param home the checkout
public record Layout(Path home) {
    private static final Pattern JAR = Pattern.compile("[a-z-]+-\\d[^-]*\\.jar");
    private static final List<String> SMALL_JVM =
            List.of(
                    "-XX:+UseSerialGC",
                    "-XX:TieredStopAtLevel=1",
                    "-Xshare:auto",
                    "-XX:MaxMetaspaceSize=192m",
                    "--sun-misc-unsafe-memory-access=allow",
                    "--enable-native-access=ALL-UNNAMED");

    /// The layout of the checkout that the launcher names.
    ///
    /// @throws IllegalStateException when this JVM was not started by the launcher
    public static Layout ofLauncher() {
        String home = System.getProperty("tunesmith.home");
        if (home == null) {
            throw new IllegalStateException(
                    "start this with ./tunesmith, which sets tunesmith.home");
        }
        return new Layout(Path.of(home));
    }

    /// A command for a plain main of a module, on the class path that its build wrote.
    List<String> main(
            String module,
            String mainClass,
            String heap,
            List<String> options,
            String... arguments) {
        Path target = home.resolve(module).resolve("target");
        var command = new ArrayList<String>(jvm(heap));
        command.addAll(options);
        command.add("-cp");
        command.add(code(target) + ":" + read(target.resolve("classpath")));
        command.add(mainClass);
        command.addAll(List.of(arguments));
        return command;
    }

    /// The jar of a module if it was packaged after its classes were compiled: the virtual machine
    /// keeps loaded classes for jars alone. Else the folder of the classes.
    private static Path code(Path target) {
        Path classes = target.resolve("classes");
        try (Stream<Path> files = Files.list(target);
                Stream<Path> compiled = Files.walk(classes)) {
            long newest = compiled.mapToLong(Layout::changed).max().orElse(0);
            return files.filter(file -> JAR.matcher(file.getFileName().toString()).matches())
                    .filter(jar -> changed(jar) >= newest)
                    .findFirst()
                    .orElse(classes);
        } catch (IOException e) {
            throw new UncheckedIOException(
                    "not built: " + classes + " cannot be read, run ./tunesmith build", e);
        }
    }

    private static long changed(Path file) {
        return file.toFile().lastModified();
    }

    /// A command for a packaged Quarkus service.
    List<String> service(String module, String heap, List<String> options) {
        var command = new ArrayList<String>(jvm(heap));
        command.addAll(options);
        command.add("-jar");
        command.add(home.resolve(module).resolve("target/quarkus-app/quarkus-run.jar").toString());
        return command;
    }

    private static List<String> jvm(String heap) {
        var command = new ArrayList<String>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.add("-Xmx" + heap);
        command.addAll(SMALL_JVM);
        return command;
    }

    private static String read(Path file) {
        try {
            return Files.readString(file).strip();
        } catch (IOException e) {
            throw new UncheckedIOException(
                    "not built: " + file + " is missing, run ./tunesmith build", e);
        }
    }
}
