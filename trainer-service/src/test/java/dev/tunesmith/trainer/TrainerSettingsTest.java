package dev.tunesmith.trainer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class TrainerSettingsTest {
    private static final Map<String, String> NEEDED =
            Map.of(
                    "tunesmith.kafka.bootstrap", "h:1",
                    "tunesmith.objects.endpoint", "http://h",
                    "tunesmith.objects.access-key", "a",
                    "tunesmith.objects.secret-key", "s",
                    "tunesmith.work-dir", "w");

    private static TrainerSettings read(Map<String, String> more) {
        Map<String, String> all = new HashMap<>(NEEDED);
        all.putAll(more);
        return TrainerSettings.read(name -> Optional.ofNullable(all.get(name)));
    }

    @Test
    void defaultsAreThoseOfTheProtocol() {
        TrainerSettings settings = read(Map.of());

        assertThat(settings.slots()).isEqualTo(1);
        assertThat(settings.flavor()).isEqualTo("cpu");
        assertThat(settings.device().name()).isEqualTo("cpu");
        assertThat(settings.device().memoryBytes()).isPositive();
        assertThat(settings.periods().beat()).isEqualTo(Duration.ofSeconds(10));
        assertThat(settings.periods().claim()).isEqualTo(Duration.ofSeconds(20));
        assertThat(settings.periods().resend()).isEqualTo(Duration.ofSeconds(10));
        assertThat(settings.children().main()).isEqualTo("dev.tunesmith.trainer.Child");
    }

    @Test
    void sizesMayCarryASuffix() {
        assertThat(read(Map.of("tunesmith.device.memory", "3G")).device().memoryBytes())
                .isEqualTo(3L << 30);
    }

    @Test
    void everyProblemIsNamedAtOnce() {
        assertThatThrownBy(() ->
                        TrainerSettings.read(name ->
                                name.equals("tunesmith.trainer.slots")
                                        ? Optional.of("none")
                                        : Optional.empty()))
                .hasMessageContaining("tunesmith.trainer.slots is not a positive number: none")
                .hasMessageContaining("tunesmith.kafka.bootstrap")
                .hasMessageContaining("tunesmith.work-dir");
    }

    @Test
    void secretsAreNotPrinted() {
        assertThat(read(Map.of("tunesmith.objects.secret-key", "geheim")).toString())
                .doesNotContain("geheim");
    }
}
