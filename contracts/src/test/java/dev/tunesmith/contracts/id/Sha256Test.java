package dev.tunesmith.contracts.id;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.security.MessageDigest;
import org.junit.jupiter.api.Test;

class Sha256Test {

    /// The first example of FIPS 180-2.
    private static final String ABC =
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    @Test
    void bytesStreamsAndPartsHaveTheSameHash() throws IOException {
        byte[] abc = "abc".getBytes(UTF_8);
        MessageDigest parts = Sha256.digest();
        parts.update(abc, 0, 1);
        parts.update(abc, 1, 2);
        assertThat(Sha256.of(abc)).isEqualTo(ABC);
        assertThat(Sha256.of(new ByteArrayInputStream(abc))).isEqualTo(ABC);
        assertThat(Sha256.of(parts)).isEqualTo(ABC);
    }
}
