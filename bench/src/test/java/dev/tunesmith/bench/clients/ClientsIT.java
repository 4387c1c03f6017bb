package dev.tunesmith.bench.clients;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tunesmith.bench.crash.PackagedStack;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.sql.SQLException;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.CleanupMode;
import org.junit.jupiter.api.io.TempDir;

/// The quickstart and the programs of `examples/clients`, run as their first lines say. A program
/// checks what it sees and fails by itself; here it is checked that it came to its end.
@Tag("servers")
class ClientsIT {
    private static final Path HOME = PackagedStack.home();
    private static final Path CLIENTS = HOME.resolve("examples/clients");

    /// What every tour must have met, by status.
    private static final List<String> ERRORS =
            List.of(
                    "error: 400 ",
                    "error: 401 ",
                    "error: 403 ",
                    "error: 404 ",
                    "error: 409 ",
                    "error: 413 ",
                    "error: 422 ",
                    "error: 429 ");

    @TempDir(cleanup = CleanupMode.ON_SUCCESS)
    static Path folder;

    private static PackagedStack stack;
    private static HeldKey held;

    @BeforeAll
    static void open() throws Exception {
        stack = new PackagedStack(folder.resolve("data"), Map.of());
        stack.up();
        stack.importNano();
        held = HeldKey.of(stack);
    }

    @AfterAll
    static void close() throws SQLException {
        try {
            held.close();
        } finally {
            stack.close();
        }
    }

    @Test
    void theQuickstartTrainsAndBothModelsAnswer() {
        PackagedStack.Answer answer = stack.cli("quickstart", "--home", HOME.toString());

        assertThat(answer.code()).as(answer.text() + stack.logs()).isZero();
        assertThat(answer.text())
                .contains("validation loss", "validation accuracy")
                .containsPattern("tuned +\\S+");
    }

    @Test
    void theJavaSdkTakesTheWholeWay() throws IOException, InterruptedException {
        Path target = CLIENTS.resolve("java/target");
        String libraries = Files.readString(target.resolve("classpath")).strip();

        checkTour(
                program(HOME)
                        .run(
                                List.of(
                                        Path.of(System.getProperty("java.home"), "bin/java")
                                                .toString(),
                                        "-cp",
                                        target.resolve("classes") + ":" + libraries,
                                        "dev.tunesmith.examples.Tour")));
    }

    @Test
    @Tag("sdk")
    void thePythonSdkTakesTheWholeWay() throws IOException, InterruptedException {
        Path place = Path.of("target/sdk/python").toAbsolutePath();
        Program program = program(CLIENTS.resolve("python"));
        program.run(List.of("python3", "-m", "venv", place.toString()));
        program.run(
                List.of(
                        place.resolve("bin/pip").toString(),
                        "install",
                        "--quiet",
                        "--disable-pip-version-check",
                        "--requirement",
                        "requirements.txt"));

        String said = program.run(List.of(place.resolve("bin/python").toString(), "tour.py"));
        checkTour(said);
        assertThat(said).contains("reinforce: reward ");
    }

    @Test
    @Tag("sdk")
    void theNodeSdkTakesTheWholeWay() throws IOException, InterruptedException {
        Path place = Files.createDirectories(Path.of("target/sdk/clients/node").toAbsolutePath());
        for (String name : List.of("package.json", "package-lock.json", ".npmrc", "tour.js")) {
            Files.copy(
                    CLIENTS.resolve("node").resolve(name),
                    place.resolve(name),
                    StandardCopyOption.REPLACE_EXISTING);
        }
        for (String name : List.of("quickstart", "reinforcement")) {
            Path data = place.resolve("../../" + name).normalize();
            Files.deleteIfExists(data);
            Files.createSymbolicLink(data, HOME.resolve("examples").resolve(name));
        }
        Program program = program(place);
        // A connection to the registry that hangs is tried again after half a minute, not after
        // five.
        program.run(List.of("npm", "ci", "--no-audit", "--no-fund", "--fetch-timeout=30000"));

        String said = program.run(List.of("node", "tour.js"));
        checkTour(said);
        assertThat(said).contains("reinforce: reward ");
    }

    private static Program program(Path where) {
        return new Program(
                where,
                Map.of(
                        "OPENAI_BASE_URL",
                        stack.url() + "/v1",
                        "OPENAI_API_KEY",
                        stack.key("demo"),
                        "TOUR_BUSY_KEY",
                        held.name()));
    }

    private static void checkTour(String said) {
        assertThat(said).contains(ERRORS).contains("chat: ").endsWith("tour: done\n");
    }
}
