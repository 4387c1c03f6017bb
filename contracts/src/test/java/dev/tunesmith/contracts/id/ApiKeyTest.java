package dev.tunesmith.contracts.id;

import static org.assertj.core.api.Assertions.assertThat;

import java.security.SecureRandom;
import java.util.List;
import org.junit.jupiter.api.Test;

final class ApiKeyTest {
    private final ApiKey key = ApiKey.generate("live", new SecureRandom());

    @Test
    void readsItsOwnText() {
        assertThat(ApiKey.parse(key.text())).contains(key);
        assertThat(key.text()).startsWith("tsk_live_" + key.id() + "_").doesNotContain("\n");
    }

    @Test
    void refusesEverythingElse() {
        String text = key.text();
        char wrong = text.charAt(30) == 'a' ? 'b' : 'a';

        for (String other :
                List.of(
                        "",
                        "sk-something-else",
                        text + "0",
                        " " + text,
                        text.substring(0, 30) + wrong + text.substring(31))) {
            assertThat(ApiKey.parse(other)).as(other).isEmpty();
        }
    }

    @Test
    void theStoredHashDependsOnSecretAndPepper() {
        ApiKey other = ApiKey.generate("live", new SecureRandom());

        assertThat(key.mac("pepper")).isEqualTo(key.mac("pepper")).hasSize(32);
        assertThat(key.mac("pepper")).isNotEqualTo(key.mac("salt"));
        assertThat(key.mac("pepper")).isNotEqualTo(other.mac("pepper"));
    }

    @Test
    void printsNoSecret() {
        assertThat(key.toString()).contains(key.id()).doesNotContain(key.secret());
    }
}
