package dev.tunesmith.platform.objects;

import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Collection;
import java.util.List;
import java.util.Optional;

/// Keys to immutable bytes.
///
/// Every write creates: a key that exists is refused with [ObjectStoreException.Code#EXISTS],
/// unless the stored bytes are the same ones, which is how a repeated write of our own succeeds.
/// All calls block; a store that cannot be reached is retried a few times inside the call and then
/// reported as [ObjectStoreException.Code#UNAVAILABLE].
public interface ObjectStore {
    /// Creates an object in one request, so that the create-only condition is atomic. Manifests and
    /// claims are written with this.
    Stored put(String key, byte[] content);

    /// Creates an object from a stream of unknown length, in parts when it is long. Nothing is
    /// visible under the key until the last byte has arrived.
    ///
    /// @param bytesMax where the stream is cut off
    /// @throws ObjectStoreException with `TOO_LARGE` when the stream is longer than `bytesMax`
    /// @throws IOException when the stream itself fails; nothing is left under the key
    Stored put(String key, InputStream content, long bytesMax) throws IOException;

    /// Creates an object from a file.
    default Stored put(String key, Path file) throws IOException {
        try (InputStream content = Files.newInputStream(file)) {
            return put(key, content, Long.MAX_VALUE);
        }
    }

    /// The whole object as a stream that the caller closes.
    ///
    /// @throws ObjectStoreException with `NOT_FOUND`
    InputStream open(String key);

    /// A part of the object as a stream that the caller closes. A range that ends behind the object
    /// is cut at its end.
    InputStream open(String key, long offset, long length);

    /// The whole object in memory.
    ///
    /// @throws ObjectStoreException with `TOO_LARGE` when it is longer than `bytesMax`
    default byte[] get(String key, long bytesMax) {
        try (InputStream stream = open(key)) {
            byte[] content = stream.readNBytes(Math.toIntExact(Math.min(bytesMax, 1 << 30) + 1));
            if (content.length > bytesMax) {
                throw new ObjectStoreException(
                        ObjectStoreException.Code.TOO_LARGE,
                        key,
                        "longer than " + bytesMax + " bytes",
                        null);
            }
            return content;
        } catch (IOException e) {
            throw ObjectStoreException.unavailable(key, e);
        }
    }

    /// Copies an object into a file and checks its hash on the way.
    ///
    /// @throws ObjectStoreException with `CORRUPT` when length or SHA-256 differ from `expected`;
    ///   the file is deleted
    default void download(Stored expected, Path file) throws IOException {
        Downloads.copy(this, expected, file);
    }

    /// Length and time of an object, or empty when the key does not exist.
    Optional<Head> head(String key);

    /// One page of keys below a prefix, in the order of the keys.
    ///
    /// @param after list keys greater than this one; empty to start
    /// @param limit at most this many, up to 1000
    List<Head> list(String prefix, String after, int limit);

    /// Creates `target` with the bytes of `source`, create-only like a put. The bytes pass through
    /// this process: servers differ in whether a copy can be create-only, and the hash is wanted
    /// anyway.
    default Stored copy(String source, String target) {
        try (InputStream content = open(source)) {
            return put(target, content, Long.MAX_VALUE);
        } catch (IOException e) {
            throw ObjectStoreException.unavailable(source, e);
        }
    }

    /// Deletes an object; a key that does not exist is no error.
    void delete(String key);

    /// Deletes many objects; keys that do not exist are no error.
    void deleteAll(Collection<String> keys);

    /// A URL that reads this one key until the time is over. It is a secret: never log it.
    URI presignGet(String key, Duration validity);

    /// A URL that writes this one key until the time is over. It is a secret: never log it.
    URI presignPut(String key, Duration validity);

    /// Begins an upload in parts.
    Upload startUpload(String key);

    /// Stores one part. Every part but the last has at least 5 MiB.
    ///
    /// @param number 1 … 10000; a repeated number replaces the part
    Part putPart(Upload upload, int number, byte[] content);

    /// Joins the parts into the object, create-only.
    void completeUpload(Upload upload, List<Part> parts);

    /// Forgets an upload and its parts; an unknown upload is no error.
    void abortUpload(Upload upload);

    /// Credentials that may write below `prefix` and nothing else.
    ///
    /// A server with a token service hands out short-lived ones. The embedded server has none, so
    /// there the shared credential of the installation is returned and the prefix is a promise of
    /// the trainer, held by the create-only rule and the random lease id in every key.
    Credentials credentials(String prefix);

    /// What a write has stored.
    ///
    /// @param sha256 lower-case hexadecimal SHA-256 of the content
    record Stored(String key, long bytes, String sha256) {}

    /// What the server says about an object.
    ///
    /// @param at when it was written
    record Head(String key, long bytes, Instant at) {}

    /// An upload in parts that is under way.
    record Upload(String key, String id) {}

    /// One stored part.
    ///
    /// @param tag what the server wants back when the upload completes
    record Part(int number, String tag) {}

    /// How another process reaches the same store.
    record Credentials(
            String endpoint, String bucket, String region, String accessKey, String secretKey) {
        @Override
        public String toString() {
            return "Credentials[endpoint=%s, bucket=%s, secretKey=***]".formatted(endpoint, bucket);
        }
    }
}
