package dev.tunesmith.bench.speed;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.tunesmith.contracts.fit.Recompute;
import dev.tunesmith.engine.gguf.DecodingWeights;
import java.io.ByteArrayOutputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class BenchCommandTest {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Path NANO = Path.of("../examples/nano/model");

    private final PrintStream nowhere =
            new PrintStream(OutputStream.nullOutputStream(), true, UTF_8);

    @ParameterizedTest
    @EnumSource
    void trainingGivesEveryFigure(TrainSpeed.Method method) {
        var setup = new TrainSpeed.Setup(NANO, method, 2, 24, 3, Recompute.BLOCK);

        Map<String, Object> figures = new TrainSpeed(setup, nowhere).measure();

        assertThat(figures)
                .containsOnlyKeys(
                        "tokens_per_second",
                        "peak_rss_gib",
                        "first_step_seconds",
                        "product_rate_share",
                        "product_tflops",
                        "model_tflops",
                        "planned_gib",
                        "step_memory_gib");
        assertThat(figures.values()).allSatisfy(value -> assertThat((double) value).isPositive());
    }

    @ParameterizedTest
    @EnumSource
    void decodingGivesEveryFigure(DecodingWeights weights) {
        var setup = new DecodeSpeed.Setup(NANO, 9, 5, 3, weights);

        Map<String, Object> figures = new DecodeSpeed(setup).measure();

        assertThat(figures)
                .containsOnlyKeys(
                        "prefill_tokens_per_second",
                        "product_rate_share",
                        "decode_tokens_per_second",
                        "peak_rss_gib",
                        "bandwidth_share");
        assertThat(figures.values()).allSatisfy(value -> assertThat((double) value).isPositive());
    }

    @Test
    void aTargetIsMetByItsRatioOrByTheShareOfTheProductRate() throws Exception {
        Target.Found lora = new Target.Found();
        lora.add("transformers", JSON.readTree("{\"tokens_per_second\": 100}"));
        lora.add(
                "ours", JSON.readTree("{\"tokens_per_second\": 300, \"product_rate_share\": 0.5}"));
        Target target = Target.ALL.getFirst();

        assertThat(target.judge("x ", Map.of("x lora", lora)).met()).contains(false);
        lora.add(
                "ours", JSON.readTree("{\"tokens_per_second\": 300, \"product_rate_share\": 0.9}"));
        assertThat(target.judge("x ", Map.of("x lora", lora)).met()).contains(true);
        assertThat(target.judge("y ", Map.of("x lora", lora)).met()).isEmpty();
    }

    @Test
    void bothSidesRunInTurnsAndTheirMediansAreCompared() {
        var log = new ByteArrayOutputStream();
        var alternation =
                new Alternation(
                        List.of("sh", "-c", "echo noise; echo '{\"rate\": 30, \"own\": 1}'"),
                        List.of("sh", "-c", "echo '{\"rate\": 10}'"),
                        new PrintStream(log, true, UTF_8));

        Map<String, Object> result = alternation.run(2);

        assertThat(result)
                .containsEntry("rate", 30.0)
                .containsEntry("peer", Map.of("rate", 10.0))
                .containsEntry("ratio", Map.of("rate", 3.0));
        assertThat(log.toString(UTF_8).lines().map(line -> line.substring(0, 4)))
                .containsExactly("ours", "peer", "ours", "peer");
    }

    @Test
    void aSideThatFailsIsNotAFigure() {
        var alternation = new Alternation(List.of("sh", "-c", "exit 3"), List.of("true"), nowhere);

        assertThatThrownBy(() -> alternation.run(1)).hasMessageContaining("status 3");
    }

    @Test
    void theFirstValueDoesNotCount() {
        assertThat(Figures.medianAfterFirst(new double[] {9, 1, 2, 3})).isEqualTo(2);
        assertThat(Figures.medianAfterFirst(new double[] {9})).isEqualTo(9);
        assertThat(Figures.median(new double[] {4, 1})).isEqualTo(2.5);
    }

    @Test
    void wrongUseIsNamed() {
        assertThat(BenchCommand.run(List.of("train", "--model", "/nowhere"))).isEqualTo(2);
        assertThat(BenchCommand.run(List.of())).isEqualTo(2);
        assertThat(wrong("train", "--method", "dpo", "--batch", "3")).isEqualTo(2);
        assertThat(wrong("decode", "--weights", "q3_k")).isEqualTo(2);
        assertThat(wrong("decode", "--peer", "llama")).isEqualTo(2);
        assertThat(BenchCommand.run(List.of("decode", "--model", NANO.toString(), "--new", "1")))
                .isEqualTo(2);
    }

    private static int wrong(String command, String... options) {
        var words = new ArrayList<>(List.of(command, "--model", NANO.toString()));
        words.addAll(List.of(options));
        return BenchCommand.run(words);
    }
}
