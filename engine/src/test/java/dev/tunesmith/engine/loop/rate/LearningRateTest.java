package dev.tunesmith.engine.loop.rate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.tunesmith.contracts.optim.Curve;
import java.io.InputStream;
import java.util.HashMap;
import java.util.Map;
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
                "linear_no_warmup",
                "cosine_min_lr",
                "cosine_restarts_3",
                "inverse_sqrt",
                "polynomial_2",
                "wsd_cosine",
                "wsd_sqrt_min"
            })
    void equalsTheReferenceAtEveryStep(String name) throws Exception {
        JsonNode golden = golden(name);
        JsonNode parameters = golden.get("parameters");
        Curve curve = curve(parameters);
        JsonNode numbers = parameters.path("kwargs");
        int warmupStableDecay =
                parameters.path("warmup").asInt(0)
                        + numbers.path("num_stable_steps").asInt()
                        + numbers.path("num_decay_steps").asInt();
        int total =
                numbers.has("num_stable_steps")
                        ? warmupStableDecay
                        : parameters.path("total").asInt(100);
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

    private static Curve curve(JsonNode parameters) {
        JsonNode numbers = parameters.path("kwargs");
        Map<String, Object> tree = new HashMap<>();
        tree.put(
                "type",
                parameters.get("name").asText().replace("constant_with_warmup", "constant"));
        tree.put("cycles", numbers.path("num_cycles").asDouble(1));
        tree.put("power", numbers.path("power").asDouble(1));
        tree.put("decay_steps", numbers.path("num_decay_steps").asInt(0));
        tree.put("decay", numbers.path("decay_type").asText("cosine"));
        double floor = numbers.path("lr_end").asDouble(1e-7) / parameters.get("lr").asDouble();
        boolean polynomial = parameters.get("name").asText().equals("polynomial");
        tree.put(
                "min_ratio",
                numbers.path("min_lr_rate")
                        .asDouble(numbers.path("min_lr_ratio").asDouble(polynomial ? floor : 0)));
        return Curve.of(tree);
    }

    private static JsonNode golden(String name) throws Exception {
        String path = "/golden/schedules/%s.json".formatted(name);
        try (InputStream in = LearningRateTest.class.getResourceAsStream(path)) {
            return new ObjectMapper().readTree(in);
        }
    }
}
