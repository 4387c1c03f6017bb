package dev.tunesmith.standalone;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// The launcher's advice on machines that lack something, each made up by a stripped `PATH`.
final class LauncherTest {
    private static final Path LAUNCHER = Path.of("../tunesmith").toAbsolutePath().normalize();
    private static final List<String> NEEDED =
            List.of("bash", "cat", "dirname", "find", "mkdir", "readlink", "sed", "touch");

    @TempDir Path path;

    /// What the launcher said, on both channels, and its exit code.
    private record Said(int code, String text) {}

    @BeforeEach
    void leaveOnlyTheBasicTools() throws IOException {
        for (String tool : NEEDED) {
            fake(tool, "exec \"$(PATH=/usr/bin:/bin command -v %s)\" \"$@\"".formatted(tool));
        }
        fake("uname", "[ \"$1\" = -m ] && echo x86_64 || echo Linux");
    }

    @Test
    void helpNamesEveryCommandAndNeedsNothing() throws Exception {
        Said said = run("help");

        assertThat(said.code()).isZero();
        assertThat(said.text())
                .contains("quickstart", "up ", "status", "down", "train ", "jobs ", "files ")
                .contains("models ", "chat ", "build ", "test ", "verify ", "bench ");
        assertThat(run()).isEqualTo(said);
        assertThat(run("--help")).isEqualTo(said);
        assertThat(run("up", "--help").text()).contains("--data DIR", "--port N");
        assertThat(run("help", "verify").text()).contains("verify [DIR…]");
    }

    @Test
    void anUnknownCommandIsNamedBesideThoseThatThereAre() throws Exception {
        Said said = run("trian", "spec.yaml");

        assertThat(said.code()).isEqualTo(2);
        assertThat(said.text()).contains("there is no command \"trian\"", "train SPEC.yaml");
    }

    @Test
    void anotherSystemOrProcessorIsToldAtOnce() throws Exception {
        fake("uname", "[ \"$1\" = -m ] && echo arm64 || echo Darwin");

        Said said = run("quickstart");

        assertThat(said.code()).isEqualTo(2);
        assertThat(said.text())
                .contains("needs Linux on x86-64", "this is Darwin on arm64")
                .hasLineCount(1);
    }

    @Test
    void aMissingJdkIsNamedWithTheLineThatInstallsIt() throws Exception {
        Said said = source("is_jdk25() { return 1; }; find_jdk");

        assertThat(said.code()).isEqualTo(2);
        assertThat(said.text())
                .contains("a JDK 25 is missing", "sudo apt-get install", "sudo dnf install")
                .contains("JAVA_HOME");
    }

    @Test
    void anOldJdkDoesNotCount(@TempDir Path jdk) throws Exception {
        Files.createDirectories(jdk.resolve("bin"));
        executable(jdk.resolve("bin/javac"), "exit 0");
        Path release = jdk.resolve("release");

        Files.writeString(release, "JAVA_VERSION=\"21.0.4\"\n");
        assertThat(source("is_jdk25 " + jdk).code()).isEqualTo(1);
        Files.writeString(release, "JAVA_VERSION=\"25.0.3\"\n");
        assertThat(source("is_jdk25 " + jdk).code()).isZero();
    }

    @Test
    void aMissingMavenIsNamed() throws Exception {
        fake("g++", "exit 0");

        Said said = source("check_tools");

        assertThat(said.code()).isEqualTo(2);
        assertThat(said.text())
                .contains("Maven (mvn) is missing", "apt-get install maven", "dnf install maven");
    }

    @Test
    void aMissingCompilerIsNamed() throws Exception {
        fake("mvn", "exit 0");

        Said said = source("check_tools");

        assertThat(said.code()).isEqualTo(2);
        assertThat(said.text())
                .contains("a C++ compiler (g++) is missing", "apt-get install g++")
                .contains("dnf install gcc-c++");
    }

    @Test
    void withBothNothingIsSaid() throws Exception {
        fake("mvn", "exit 0");
        fake("clang++", "exit 0");

        assertThat(source("check_tools")).isEqualTo(new Said(0, ""));
    }

    private void fake(String tool, String script) throws IOException {
        executable(path.resolve(tool), script);
    }

    private static void executable(Path file, String script) throws IOException {
        Files.writeString(file, "#!/bin/bash\n" + script + "\n");
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
    }

    private Said run(String... words) throws IOException, InterruptedException {
        return bash("exec \"$@\"", words);
    }

    /// Runs one of the launcher's functions.
    private Said source(String script) throws IOException, InterruptedException {
        return bash("source \"$1\"; " + script);
    }

    private Said bash(String script, String... words) throws IOException, InterruptedException {
        var command =
                new ArrayList<>(List.of("/bin/bash", "-c", script, "bash", LAUNCHER.toString()));
        command.addAll(List.of(words));
        ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
        builder.environment().put("PATH", path.toString());
        builder.environment().remove("JAVA_HOME");
        Process process = builder.start();
        process.getOutputStream().close();
        String text = new String(process.getInputStream().readAllBytes(), UTF_8);
        return new Said(process.waitFor(), text);
    }
}
