package dev.tunesmith.bench.speed;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.tunesmith.contracts.fit.MemoryPlan;
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

    /// What `bench` takes beside tensors in this build, where plans count a child of the trainer.
    private static final double BASE_GIB = 100 / 1024.0;

    private static final double FIXED_GIB = MemoryPlan.FIXED_BYTES / (double) (1L << 30);

    /// What the virtual machine takes varies by this much, which counts beside a small model.
    private static final double VARIATION_GIB = 0.06;

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
    void inputsOfBlocksWaitInAFile() throws Exception {
        assertPlanned(
                smol(),
                TrainSpeed.Method.LORA,
                "--batch",
                "4",
                "--seq",
                "512",
                "--steps",
                "2",
                "--recompute",
                "block",
                "--offload",
                "disk");
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
        double planned = figures.get("planned_gib").asDouble() - FIXED_GIB + BASE_GIB;
        double peak = figures.get("peak_rss_gib").asDouble();
        double allowed = model.equals(NANO) ? VARIATION_GIB : SHARE * planned;
        assertThat(peak).as("%s", figures).isCloseTo(planned, within(allowed));
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
