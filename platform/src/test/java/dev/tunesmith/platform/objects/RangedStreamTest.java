package dev.tunesmith.platform.objects;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tunesmith.platform.objects.ObjectStore.Stored;
import java.io.IOException;
import java.io.InputStream;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class RangedStreamTest {

    private static final int BYTES = 10 << 20;

    @TempDir Path folder;
    private final byte[] content = new byte[BYTES];
    private final List<Long> asked = new ArrayList<>();
    private ObjectStore objects;
    private Stored stored;
    private int breaks;

    @BeforeEach
    void store() throws IOException {
        new Random(3).nextBytes(content);
        var directory = new DirectoryObjects(folder.resolve("store"));
        stored = directory.put("t/a/rows", content);
        objects = watched(directory);
    }

    /// The same store, in which connections break inside a part as often as is asked for.
    private ObjectStore watched(ObjectStore directory) {
        return (ObjectStore)
                Proxy.newProxyInstance(
                        ObjectStore.class.getClassLoader(),
                        new Class<?>[] {ObjectStore.class},
                        (_, method, arguments) -> {
                            try {
                                Object result = method.invoke(directory, arguments);
                                if (method.getName().equals("open")) {
                                    asked.add((Long) arguments[1]);
                                    return breaks-- > 0 ? new Broken((InputStream) result) : result;
                                }
                                return result;
                            } catch (InvocationTargetException e) {
                                throw e.getCause();
                            }
                        });
    }

    /// Gives some bytes and fails.
    private static final class Broken extends InputStream {
        private final InputStream source;
        private int left = 1000;

        Broken(InputStream source) {
            this.source = source;
        }

        @Override
        public int read() throws IOException {
            byte[] one = new byte[1];
            return read(one, 0, 1) < 0 ? -1 : one[0] & 0xFF;
        }

        @Override
        public int read(byte[] target, int offset, int length) throws IOException {
            if (left == 0) {
                throw new IOException("connection reset");
            }
            int read = source.read(target, offset, Math.min(length, left));
            left -= Math.max(read, 0);
            return read;
        }
    }

    /// Asks three times.
    private static final class Thrice implements LocalCopies.Patience {
        @Override
        public <T> T of(String what, LocalCopies.Call<T> call) throws IOException {
            for (int i = 0; ; i++) {
                try {
                    return call.run();
                } catch (ObjectStoreException e) {
                    if (i == 2) {
                        throw e;
                    }
                }
            }
        }
    }

    @Test
    void readingGoesOnWhereAConnectionBroke() throws IOException {
        breaks = 2;
        try (InputStream stream = new RangedStream(objects, stored, new Thrice())) {
            assertThat(stream.readAllBytes()).isEqualTo(content);
        }
        assertThat(asked).startsWith(0L, 0L, 0L, 65_536L).isSorted();
    }

    @Test
    void aStoreThatStaysAwayIsAnOutage() throws IOException {
        breaks = 100;
        try (InputStream stream = new RangedStream(objects, stored, new Thrice())) {
            assertThatThrownBy(stream::readAllBytes)
                    .isInstanceOf(ObjectStoreException.class)
                    .extracting(e -> ((ObjectStoreException) e).code())
                    .isEqualTo(ObjectStoreException.Code.UNAVAILABLE);
        }
    }

    @Test
    void aLookAtTheBeginningFetchesLittle() throws IOException {
        try (InputStream stream = new RangedStream(objects, stored, new Thrice())) {
            assertThat(stream.readNBytes(100)).hasSize(100);
        }
        assertThat(asked).containsExactly(0L);
    }

    @Test
    void otherBytesThanExpectedNeverEndWell() throws IOException {
        for (Stored wrong :
                List.of(
                        new Stored(stored.key(), BYTES, "0".repeat(64)),
                        new Stored(stored.key(), BYTES + 1, stored.sha256()))) {
            try (InputStream stream = new RangedStream(objects, wrong, new Thrice())) {
                assertThatThrownBy(stream::readAllBytes)
                        .isInstanceOf(ObjectStoreException.class)
                        .hasMessageContaining("expected");
            }
        }
    }
}
