package dev.tunesmith.platform.tenant;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.security.SecureRandom;
import org.junit.jupiter.api.Test;

class ApiKeyTest {
    private static final byte[] PEPPER = "0123456789abcdef".getBytes(US_ASCII);
    private final ApiKey key = ApiKey.create("local", new SecureRandom());

    @Test
    void readsItsOwnText() {
        assertThat(ApiKey.parse(key.text()))
                .get()
                .satisfies(read -> {
                    assertThat(read.keyId()).isEqualTo(key.keyId());
                    assertThat(read.mac(PEPPER)).isEqualTo(key.mac(PEPPER)).hasSize(32);
                });
    }

    @Test
    void refusesAKeyWithOneWrongLetter() {
        String text = key.text();
        char wrong = text.charAt(30) == 'a' ? 'b' : 'a';

        assertThat(ApiKey.parse(text.substring(0, 30) + wrong + text.substring(31))).isEmpty();
        assertThat(ApiKey.parse("sk-something-else")).isEmpty();
        assertThat(ApiKey.parse("")).isEmpty();
    }

    @Test
    void neverShowsItsSecretInLogs() {
        assertThat(key.toString()).contains(key.keyId()).doesNotContain(key.text().substring(24));
    }

    @Test
    void givesDifferentMacsUnderDifferentPeppers() {
        assertThat(key.mac(PEPPER)).isNotEqualTo(key.mac("another pepper..".getBytes(US_ASCII)));
    }

    @Test
    void namesAWrongEnvironment() {
        assertThatThrownBy(() -> ApiKey.create("No Such", new SecureRandom()))
                .hasMessageContaining("No Such");
    }
}
