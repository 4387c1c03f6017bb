package dev.tunesmith.engine.loop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.tunesmith.contracts.job.Curve;
import java.io.InputStream;
import java.util.Locale;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class LearningRateTest {

    @ParameterizedTest
    @ValueSource(
            strings = {
                "constant",
                "constant_warmup",
                "cosine",
                "cosine_past_the_end",
                "linear",
                "linear_no_warmup"
            })
    void equalsTheReferenceAtEveryStep(String name) throws Exception {
        JsonNode golden = golden(name);
        JsonNode parameters = golden.get("parameters");
        Curve curve = curve(parameters.get("name").asText());
        int total = parameters.path("total").asInt(100);
        LearningRate rate =
                new LearningRate(
                        curve,
                        parameters.get("lr").asDouble(),
                        parameters.path("warmup").asInt(0),
                        total);

        for (int step = 0; step < golden.get("values").size(); step++) {
            assertThat(rate.at(step))
                    .as("step %d", step)
                    .isCloseTo(golden.get("values").get(step).asDouble(), within(1e-15));
        }
    }

    @Test
    void roundsTheWarmupUp() {
        assertThat(LearningRate.warmupOf(0.03, 100)).isEqualTo(3);
        assertThat(LearningRate.warmupOf(0.03, 10)).isEqualTo(1);
    }

    @Test
    void refusesAPeakThatIsNoNumber() {
        assertThatThrownBy(() -> new LearningRate(Curve.LINEAR, Double.NaN, 0, 1))
                .hasMessageContaining("NaN");
    }

    private static Curve curve(String name) {
        return Curve.valueOf(name.replace("_with_warmup", "").toUpperCase(Locale.ROOT));
    }

    private static JsonNode golden(String name) throws Exception {
        String path = "/golden/schedules/%s.json".formatted(name);
        try (InputStream in = LearningRateTest.class.getResourceAsStream(path)) {
            return new ObjectMapper().readTree(in);
        }
    }
}
