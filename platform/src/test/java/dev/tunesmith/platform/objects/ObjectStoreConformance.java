package dev.tunesmith.platform.objects;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.tunesmith.contracts.id.Sha256;
import dev.tunesmith.platform.objects.ObjectStore.Head;
import dev.tunesmith.platform.objects.ObjectStore.Part;
import dev.tunesmith.platform.objects.ObjectStore.Stored;
import dev.tunesmith.platform.objects.ObjectStore.Upload;
import dev.tunesmith.platform.objects.ObjectStoreException.Code;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.SequenceInputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// What every object store must do. Each implementation, and each server, runs all of it.
abstract class ObjectStoreConformance {
    private static final int MIB = 1 << 20;
    private static final long NO_LIMIT = Long.MAX_VALUE;

    private final String prefix = "t/" + UUID.randomUUID() + "/";

    abstract ObjectStore store();

    @Test
    void returnsWhatWasPut() {
        Stored stored = store().put(key("a"), bytes("hello"));

        assertThat(store().get(key("a"), 100)).isEqualTo(bytes("hello"));
        assertThat(stored).isEqualTo(new Stored(key("a"), 5, Sha256.of(bytes("hello"))));
        Head head = store().head(key("a")).orElseThrow();
        assertThat(head.bytes()).isEqualTo(5);
        assertThat(head.at())
                .isBetween(Instant.now().minusSeconds(120), Instant.now().plusSeconds(5));
    }

    @Test
    void keepsAnEmptyObject() throws IOException {
        store().put(key("empty"), new byte[0]);
        store().put(key("empty-stream"), InputStream.nullInputStream(), NO_LIMIT);

        assertThat(store().head(key("empty"))).map(Head::bytes).contains(0L);
        assertThat(store().get(key("empty-stream"), 0)).isEmpty();
    }

    @Test
    void refusesOtherBytesUnderAnExistingKey() {
        store().put(key("a"), bytes("first"));

        assertThat(failure(() -> store().put(key("a"), bytes("other")))).isEqualTo(Code.EXISTS);
        assertThat(store().get(key("a"), 100)).isEqualTo(bytes("first"));
    }

    @Test
    void takesItsOwnRepeatedPutForSuccess() {
        Stored first = store().put(key("a"), bytes("same"));

        assertThat(store().put(key("a"), bytes("same"))).isEqualTo(first);
    }

    @Test
    void letsOneOfManyWritersWin() throws Exception {
        try (ExecutorService writers = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Callable<Boolean>> puts = new ArrayList<>();
            for (int i = 0; i < 8; i++) {
                byte[] content = bytes("writer " + i);
                puts.add(() -> wins(content));
            }
            int winners = 0;
            for (Future<Boolean> won : writers.invokeAll(puts)) {
                winners += won.get() ? 1 : 0;
            }
            assertThat(winners).isEqualTo(1);
        }
    }

    private boolean wins(byte[] content) {
        try {
            store().put(key("race"), content);
            return true;
        } catch (ObjectStoreException e) {
            assertThat(e.code()).isEqualTo(Code.EXISTS);
            return false;
        }
    }

    @Test
    void streamsALongObjectInParts() throws IOException {
        byte[] content = random(19 * MIB + 7, 1);

        Stored stored = store().put(key("long"), new ByteArrayInputStream(content), NO_LIMIT);

        assertThat(stored.bytes()).isEqualTo(content.length);
        assertThat(stored.sha256()).isEqualTo(Sha256.of(content));
        assertThat(store().get(key("long"), NO_LIMIT)).isEqualTo(content);
    }

    @Test
    void neverOverwritesWithAnUploadInParts() throws IOException {
        store().put(key("long"), bytes("short"));
        byte[] content = random(9 * MIB, 2);

        assertThat(
                        failure(() ->
                                store().put(
                                                key("long"),
                                                new ByteArrayInputStream(content),
                                                NO_LIMIT)))
                .isEqualTo(Code.EXISTS);
        assertThat(store().get(key("long"), 100)).isEqualTo(bytes("short"));
    }

    @Test
    void takesItsOwnRepeatedUploadForSuccess() throws IOException {
        byte[] content = random(9 * MIB, 3);
        Stored first = store().put(key("long"), new ByteArrayInputStream(content), NO_LIMIT);

        assertThat(store().put(key("long"), new ByteArrayInputStream(content), NO_LIMIT))
                .isEqualTo(first);
    }

    @Test
    void leavesNothingOfAStreamThatIsTooLong() {
        for (int length : new int[] {MIB, 9 * MIB}) {
            assertThat(
                            failure(() ->
                                    store().put(
                                                    key("big"),
                                                    new ByteArrayInputStream(new byte[length]),
                                                    length - 1)))
                    .isEqualTo(Code.TOO_LARGE);
            assertThat(store().head(key("big"))).isEmpty();
        }
    }

    @Test
    void leavesNothingOfAStreamThatBreaks() {
        var broken =
                new SequenceInputStream(
                        new ByteArrayInputStream(new byte[9 * MIB]), new BrokenStream());

        assertThatThrownBy(() -> store().put(key("gone"), broken, NO_LIMIT))
                .isInstanceOf(IOException.class);
        assertThat(store().head(key("gone"))).isEmpty();
        assertThat(store().list(prefix, "", 10)).isEmpty();
    }

    @Test
    void readsRanges() throws IOException {
        store().put(key("a"), bytes("0123456789"));

        assertThat(range(2, 3)).isEqualTo("234");
        assertThat(range(8, 100)).isEqualTo("89");
        assertThat(range(0, 0)).isEmpty();
    }

    private static final class BrokenStream extends InputStream {
        @Override
        public int read() throws IOException {
            throw new IOException("the client is gone");
        }

        @Override
        public int read(byte[] buffer, int offset, int length) throws IOException {
            return read();
        }
    }

    private String range(long offset, long length) throws IOException {
        try (InputStream stream = store().open(key("a"), offset, length)) {
            return new String(stream.readAllBytes(), UTF_8);
        }
    }

    @Test
    void saysWhenAKeyDoesNotExist() {
        assertThat(store().head(key("none"))).isEmpty();
        assertThat(failure(() -> store().open(key("none")))).isEqualTo(Code.NOT_FOUND);
        assertThat(failure(() -> store().copy(key("none"), key("b")))).isEqualTo(Code.NOT_FOUND);
        store().delete(key("none"));
    }

    @Test
    void refusesToReadMoreThanAllowed() {
        store().put(key("a"), bytes("12345"));

        assertThat(store().get(key("a"), 5)).hasSize(5);
        assertThat(failure(() -> store().get(key("a"), 4))).isEqualTo(Code.TOO_LARGE);
    }

    @Test
    void listsByPrefixInOrderAndPages() {
        for (String name : List.of("b/2", "a", "b/1", "c", "b/3")) {
            store().put(key(name), bytes(name));
        }

        assertThat(names("b/", "", 10)).containsExactly("b/1", "b/2", "b/3");
        assertThat(names("", "", 2)).containsExactly("a", "b/1");
        assertThat(names("", "b/1", 2)).containsExactly("b/2", "b/3");
        assertThat(names("zzz", "", 10)).isEmpty();
    }

    private List<String> names(String below, String after, int limit) {
        String start = after.isEmpty() ? "" : key(after);
        return store().list(prefix + below, start, limit).stream()
                .map(head -> head.key().substring(prefix.length()))
                .toList();
    }

    @Test
    void copiesCreateOnly() {
        store().put(key("a"), bytes("content"));
        store().put(key("taken"), bytes("other"));

        assertThat(store().copy(key("a"), key("b")).sha256())
                .isEqualTo(Sha256.of(bytes("content")));
        assertThat(store().get(key("b"), 100)).isEqualTo(bytes("content"));
        assertThat(failure(() -> store().copy(key("a"), key("taken")))).isEqualTo(Code.EXISTS);
    }

    @Test
    void deletesOneAndMany() {
        for (String name : List.of("a", "b", "c")) {
            store().put(key(name), bytes(name));
        }

        store().delete(key("a"));
        store().deleteAll(List.of(key("b"), key("c"), key("never")));

        assertThat(store().list(prefix, "", 10)).isEmpty();
    }

    @Test
    void joinsPartsInTheirOrder() {
        byte[] first = random(5 * MIB, 4);
        Upload upload = store().startUpload(key("joined"));
        Part two = store().putPart(upload, 2, bytes("tail"));
        Part one = store().putPart(upload, 1, first);
        assertThat(store().head(key("joined"))).isEmpty();

        store().completeUpload(upload, List.of(one, two));

        assertThat(store().head(key("joined"))).map(Head::bytes).contains(5L * MIB + 4);
        assertThat(store().get(key("joined"), NO_LIMIT)).startsWith(first).endsWith(bytes("tail"));
    }

    @Test
    void forgetsAnAbortedUpload() {
        Upload upload = store().startUpload(key("aborted"));
        Part part = store().putPart(upload, 1, bytes("x"));

        store().abortUpload(upload);
        store().abortUpload(upload);

        assertThat(failure(() -> store().completeUpload(upload, List.of(part))))
                .isEqualTo(Code.NOT_FOUND);
        assertThat(store().head(key("aborted"))).isEmpty();
    }

    @Test
    void downloadsOnlyWhatTheHashPromises(@TempDir Path folder) throws IOException {
        Stored stored = store().put(key("a"), bytes("content"));
        Path file = folder.resolve("file");

        store().download(stored, file);
        assertThat(file).hasContent("content");

        Stored flipped = new Stored(stored.key(), 7, Sha256.of(bytes("cOntent")));
        assertThat(failure(() -> store().download(flipped, file))).isEqualTo(Code.CORRUPT);
        assertThat(Files.exists(file)).isFalse();
    }

    @Test
    void refusesKeysThatAreNotMadeByThePlatform() {
        for (String key : List.of("", "/a", "a/../b", "a//b", "a b", "é", "a\n")) {
            assertThatThrownBy(() -> store().put(key, bytes("x")))
                    .isInstanceOf(IllegalArgumentException.class);
        }
    }

    String key(String name) {
        return prefix + name;
    }

    static byte[] bytes(String text) {
        return text.getBytes(UTF_8);
    }

    private static byte[] random(int length, long seed) {
        byte[] result = new byte[length];
        new Random(seed).nextBytes(result);
        return result;
    }

    interface Failing {
        void run() throws IOException;
    }

    static Code failure(Failing call) {
        return catchThrowableOfType(ObjectStoreException.class, call::run).code();
    }
}
