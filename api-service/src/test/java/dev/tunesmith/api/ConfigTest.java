package dev.tunesmith.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tunesmith.api.chat.GrantSettings;
import dev.tunesmith.api.chat.InferenceSettings;
import dev.tunesmith.api.tenant.AuthSettings;
import dev.tunesmith.api.web.Limits;
import io.smallrye.config.ConfigValidationException;
import io.smallrye.config.PropertiesConfigSource;
import io.smallrye.config.SmallRyeConfig;
import io.smallrye.config.SmallRyeConfigBuilder;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/// Every setting of the service: what has no default must be given, and what is misspelled is an
/// error at start.
class ConfigTest {
    private static final List<Class<?>> MAPPINGS =
            List.of(
                    AuthSettings.class,
                    GrantSettings.class,
                    InferenceSettings.class,
                    Limits.class,
                    ObjectSettings.class);
    private static final Map<String, String> NEEDED =
            Map.of(
                    "tunesmith.auth.pepper", "p",
                    "tunesmith.grant.key", "k",
                    "tunesmith.objects.endpoint", "http://127.0.0.1",
                    "tunesmith.objects.access-key", "a",
                    "tunesmith.objects.secret-key", "s");

    @Test
    void hasDefaultsForWhatMayHaveOne() {
        SmallRyeConfig config = config(NEEDED);

        Limits limits = config.getConfigMapping(Limits.class);
        assertThat(limits.jsonBody().asLongValue()).isEqualTo(1 << 20);
        assertThat(limits.chatBody().asLongValue()).isEqualTo(8 << 20);
        assertThat(limits.fileForm().asLongValue()).isEqualTo(512 << 20);
        assertThat(limits.ping()).hasSeconds(15);
        assertThat(limits.streamsPerKey()).isEqualTo(32);
        assertThat(limits.uploadsPerTenant()).isEqualTo(8);
        assertThat(limits.openJobsPerTenant()).isEqualTo(1000);
        assertThat(limits.requestsPerMinute()).isEqualTo(6000);
        assertThat(limits.tokensPerMinute()).isEqualTo(4_000_000);
        assertThat(config.getConfigMapping(AuthSettings.class).cacheFor()).hasSeconds(3);
        assertThat(config.getConfigMapping(ObjectSettings.class).bucket()).isEqualTo("tunesmith");
    }

    @Test
    void wantsEverySecret() {
        for (String key : NEEDED.keySet()) {
            Map<String, String> without = new HashMap<>(NEEDED);
            without.remove(key);
            assertThatThrownBy(() -> config(without))
                    .isInstanceOf(ConfigValidationException.class)
                    .hasMessageContaining(key);
        }
    }

    @Test
    void refusesAMisspelledKey() {
        Map<String, String> wrong = new HashMap<>(NEEDED);
        wrong.put("tunesmith.limits.json-bodi", "1M");

        assertThatThrownBy(() -> config(wrong))
                .isInstanceOf(ConfigValidationException.class)
                .hasMessageContaining("json-bodi");
    }

    private static SmallRyeConfig config(Map<String, String> settings) {
        SmallRyeConfigBuilder builder =
                new SmallRyeConfigBuilder()
                        .addDiscoveredConverters()
                        .withSources(new PropertiesConfigSource(settings, "test", 100));
        MAPPINGS.forEach(builder::withMapping);
        return builder.build();
    }
}
