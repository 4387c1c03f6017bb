package dev.tunesmith.platform.objects;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tunesmith.platform.objects.ObjectStore.Credentials;
import dev.tunesmith.platform.objects.ObjectStore.Stored;
import java.io.IOException;
import java.io.InputStream;
import java.util.Random;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// Rows as they stream out of a real object server, by the real client, over connections that
/// break.
@Tag("servers")
@Timeout(120)
final class S3StreamTest {
    private static final int BYTES = 9 << 20;

    private final byte[] content = new byte[BYTES];
    private CuttingProxy proxy;
    private S3Objects store;
    private Stored stored;
    private int tries;

    @BeforeEach
    void store() throws IOException {
        new Random(5).nextBytes(content);
        Credentials direct = S3ObjectsTest.credentials(System.getenv());
        proxy = new CuttingProxy(direct.endpoint(), 100_000);
        store =
                S3Objects.open(
                        new Credentials(
                                proxy.endpoint(),
                                direct.bucket(),
                                direct.region(),
                                direct.accessKey(),
                                direct.secretKey()));
        store.ensureBucket();
        stored = store.put("t/stream/" + UUID.randomUUID(), content);
    }

    @AfterEach
    void close() throws IOException {
        store.close();
        proxy.close();
    }

    /// Tries what broke again, at most so often.
    private LocalCopies.Patience tries(int most) {
        return new LocalCopies.Patience() {
            @Override
            public <T> T of(String what, LocalCopies.Call<T> call) throws IOException {
                for (int i = 1; true; i++) {
                    tries++;
                    try {
                        return call.run();
                    } catch (ObjectStoreException e) {
                        if (i == most || e.code() != ObjectStoreException.Code.UNAVAILABLE) {
                            throw e;
                        }
                    }
                }
            }
        };
    }

    @Test
    void rangesOfAnObjectAreWhatWasAskedFor() throws IOException {
        for (long[] range : new long[][] {{0, 1}, {1, 70_000}, {BYTES - 5, 5}, {12_345, 1 << 20}}) {
            try (InputStream part = store.open(stored.key(), range[0], range[1])) {
                byte[] found = part.readAllBytes();
                assertThat(found).hasSize((int) range[1]);
                assertThat(found)
                        .isEqualTo(
                                java.util.Arrays.copyOfRange(
                                        content, (int) range[0], (int) (range[0] + range[1])));
            }
        }
    }

    /// Kills: a broken part that is taken for a short one, and one that is begun in the middle.
    @Test
    void aConnectionThatBreaksInTheMiddleCostsOnePart() throws IOException {
        proxy.cutNext(3);
        try (InputStream rows = new RangedStream(store, stored, tries(5))) {
            assertThat(rows.readAllBytes()).isEqualTo(content);
        }
        assertThat(proxy.cuts()).isEqualTo(3);
        int parts = tries - proxy.cuts();
        assertThat(parts).isBetween(6, 12);
    }

    @Test
    void aStreamThatBreaksEveryTimeEndsAndIsNoShortFile() throws IOException {
        proxy.cutNext(Integer.MAX_VALUE);
        try (InputStream rows = new RangedStream(store, stored, tries(3))) {
            assertThatThrownBy(rows::readAllBytes).isInstanceOf(ObjectStoreException.class);
        }
        assertThat(proxy.cuts()).isGreaterThanOrEqualTo(3);
    }
}
