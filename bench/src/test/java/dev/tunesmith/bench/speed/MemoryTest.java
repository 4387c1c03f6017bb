package dev.tunesmith.bench.speed;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.File;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// What `MemoryPlan` says beside the largest resident set of a process with a fixed heap.
class MemoryTest {
    private static final Path NANO = Path.of("../examples/nano/model");
    private static final double SHARE = 0.10;

    /// What the virtual machine and the libraries take varies by this much.
    private static final double BASE_GIB = 0.06;

    @TempDir Path folder;

    @ParameterizedTest
    @EnumSource
    void aSmallModelTakesWhatIsPlanned(TrainSpeed.Method method) throws Exception {
        assertPlanned(NANO, method, "--batch", "4", "--seq", "256", "--steps", "2");
    }

    @Tag("longrun")
    @ParameterizedTest
    @EnumSource
    void aModelOf135MillionTakesWhatIsPlanned(TrainSpeed.Method method) throws Exception {
        assertPlanned(smol(), method, "--batch", "4", "--seq", "512", "--steps", "3");
    }

    @Tag("longrun")
    @ParameterizedTest
    @EnumSource
    void soItDoesWhenBlocksComputeAgain(TrainSpeed.Method method) throws Exception {
        assertPlanned(
                smol(),
                method,
                "--batch",
                "4",
                "--seq",
                "512",
                "--steps",
                "2",
                "--recompute",
                "block");
    }

    @Tag("longrun")
    @Test
    void aDocumentOf32768TokensTrainsWithin6Gib() throws Exception {
        JsonNode figures =
                train(
                        smol(),
                        TrainSpeed.Method.LORA,
                        "--batch",
                        "1",
                        "--seq",
                        "32768",
                        "--steps",
                        "1",
                        "--recompute",
                        "block");
        assertThat(figures.get("peak_rss_gib").asDouble()).isLessThan(6);
    }

    private Path smol() throws IOException {
        Path model = folder.resolve("smol135");
        RandomModel.SMOL135.write(model);
        return model;
    }

    private static void assertPlanned(Path model, TrainSpeed.Method method, String... sizes)
            throws Exception {
        JsonNode figures = train(model, method, sizes);
        double planned = figures.get("planned_gib").asDouble();
        double peak = figures.get("peak_rss_gib").asDouble();
        assertThat(peak).as("%s", figures).isCloseTo(planned, within(allowed(planned)));
    }

    private static double allowed(double planned) {
        return Math.max(SHARE * planned, BASE_GIB);
    }

    /// In a process of its own, as the launcher starts it.
    private static JsonNode train(Path model, TrainSpeed.Method method, String... sizes)
            throws Exception {
        List<String> command =
                new ArrayList<>(
                        List.of(
                                Path.of(System.getProperty("java.home"), "bin/java").toString(),
                                "-Xmx256m",
                                "-XX:MaxNewSize=16m",
                                "-XX:+UseSerialGC",
                                "-XX:TieredStopAtLevel=1",
                                "--enable-native-access=ALL-UNNAMED",
                                "-cp",
                                System.getProperty("java.class.path"),
                                "dev.tunesmith.bench.Main",
                                "bench",
                                "train",
                                "--model",
                                model.toString(),
                                "--method",
                                method.name()));
        command.addAll(Arrays.asList(sizes));
        ProcessBuilder builder = new ProcessBuilder(command);
        builder.redirectError(ProcessBuilder.Redirect.to(new File("/dev/null")));
        Process process = builder.start();
        String last = process.inputReader().lines().reduce("", (_, line) -> line);
        assertThat(process.waitFor()).as("exit of %s", command).isZero();
        return new ObjectMapper().readTree(last);
    }
}
