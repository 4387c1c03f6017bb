package dev.tunesmith.bench.clients;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tunesmith.bench.crash.PackagedStack;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Stream;
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

    private static final Pattern MODEL = Pattern.compile("ft:nano:[\\w:.-]+");

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

    /// What a job reads beside its base is fetched by the scheduler's word and the trainer's hand:
    /// a trained reward model, a model that is asked, a teacher.
    @Test
    void aTrainedModelGradesAndTeachesOtherJobs() {
        String pairs = HOME.resolve("examples/preference/train.jsonl").toString();
        String prompts = HOME.resolve("examples/reinforcement/train.jsonl").toString();
        String judge = trained("reward_model", pairs, "rank=4");
        trained(
                "ppo",
                prompts,
                "method.ppo.grader={type: reward_model, model: '%s'}".formatted(judge),
                "max_completion_length=8",
                "ppo_epochs=1");
        String ask =
                "{type: score_model, model: nano, input: [{role: user, content: 'Is"
                        + " {{sample.output_text}} good?'}], sampling_params:"
                        + " {max_completions_tokens: 4}}";
        trained(
                "grpo",
                prompts,
                "method.grpo.grader={type: multi, graders: {judge: {type: reward_model, model:"
                        + " '%s'}, asked: %s}, calculate_output: judge + asked}"
                                .formatted(judge, ask),
                "max_completion_length=8",
                "num_generations=2");
        trained(
                "distill",
                HOME.resolve("examples/quickstart/train.jsonl").toString(),
                "teacher=nano");
    }

    /// The upload recognises no row of such a file; the job that names its columns trains them.
    @Test
    void rowsWithColumnsOfTheirOwnAreTrained() throws IOException {
        var rows = new StringBuilder();
        for (int i = 0; i < 16; i++) {
            rows.append("{\"ask\": \"%d + 1?\", \"reply\": \"%d\"}\n".formatted(i, i + 1));
        }
        Path file = Files.writeString(folder.resolve("own.jsonl"), rows);
        List<String> words =
                List.of("train", "model=nano", "max_steps=2", "batch_size=4", "--wait");
        String columns = ", columns: {prompt: ask, response: reply}";

        PackagedStack.Answer bare = trained(words, "data=[{file: '%s'}]".formatted(file));
        PackagedStack.Answer named =
                trained(words, "data=[{file: '%s'%s}]".formatted(file, columns));

        assertThat(bare.code()).isNotZero();
        assertThat(bare.text()).contains("expected the key messages", "\"columns\"");
        assertThat(named.code()).as(named.text() + stack.logs()).isZero();
        assertThat(named.text()).containsPattern(MODEL);
    }

    private static PackagedStack.Answer trained(List<String> words, String more) {
        return stack.cli(Stream.concat(words.stream(), Stream.of(more)).toArray(String[]::new));
    }

    /// The model of a job of two steps.
    private static String trained(String method, String rows, String... settings) {
        var words =
                new ArrayList<>(
                        List.of(
                                "train",
                                "method.type=" + method,
                                "model=nano",
                                "training_file=" + rows,
                                "max_steps=2",
                                "batch_size=4",
                                "--wait"));
        words.addAll(List.of(settings));
        PackagedStack.Answer answer = stack.cli(words.toArray(String[]::new));
        assertThat(answer.code()).as(answer.text() + stack.logs()).isZero();
        return MODEL.matcher(answer.text())
                .results()
                .reduce((_, last) -> last)
                .orElseThrow()
                .group();
    }

    @Test
    @Tag("tour")
    void theJavaSdkTakesTheWholeWay() throws IOException, InterruptedException {
        Path target = CLIENTS.resolve("java/target");
        String libraries = Files.readString(target.resolve("classpath")).strip();

        checkTour(
                "openai-java",
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
    @Tag("tour")
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
        checkTour("openai-python", said);
        assertThat(said).contains("batch: 3 answered, 1 refused", "graders: 0.80");
    }

    @Test
    @Tag("tour")
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

        checkTour("openai-node", program.run(List.of("node", "tour.js")));
    }

    @Test
    @Tag("tour")
    @Tag("sdk")
    void theGoSdkTakesTheWholeWay() throws IOException, InterruptedException {
        String tour = Path.of("target/sdk/go/tour").toAbsolutePath().toString();
        Program program = program(CLIENTS.resolve("go"));
        program.run(List.of("go", "vet", "-mod=readonly", "."));
        program.run(List.of("go", "build", "-mod=readonly", "-buildvcs=false", "-o", tour, "."));

        checkTour("openai-go", program.run(List.of(tour)));
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

    /// A line for each SDK tells the reader of the build which of them came to their end.
    private static void checkTour(String sdk, String said) {
        assertThat(said)
                .as(sdk)
                .contains(ERRORS)
                .contains("chat: ", "reinforce: reward ")
                .endsWith("tour: done\n");
        System.out.printf(
                "%s: the whole way, %d errors met as they should be%n",
                sdk, said.lines().filter(line -> line.startsWith("error: ")).count());
    }
}
