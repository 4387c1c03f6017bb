package dev.tunesmith.platform.objects;

import static dev.tunesmith.platform.objects.ObjectStoreException.Code.EXISTS;
import static dev.tunesmith.platform.objects.ObjectStoreException.Code.NOT_FOUND;
import static dev.tunesmith.platform.objects.ObjectStoreException.Code.TOO_LARGE;

import dev.tunesmith.contracts.id.Sha256;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.DigestOutputStream;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// Objects as files below a folder, for tests and tools that want no server.
///
/// A file is written beside its name and linked to it, which creates atomically and fails when the
/// name is taken. Presigned URLs are `file:` URLs and protect nothing.
public final class DirectoryObjects implements ObjectStore {
    private final Path objects;
    private final Path pending;

    /// @param root created if it is missing
    public DirectoryObjects(Path root) {
        try {
            objects = Files.createDirectories(root.resolve("objects"));
            pending = Files.createDirectories(root.resolve("pending"));
        } catch (IOException e) {
            throw new UncheckedIOException("cannot keep objects in " + root, e);
        }
    }

    @Override
    public Stored put(String key, byte[] content) {
        try {
            return put(key, new ByteArrayInputStream(content), content.length);
        } catch (IOException e) {
            throw ObjectStoreException.unavailable(key, e);
        }
    }

    @Override
    public Stored put(String key, InputStream content, long bytesMax) throws IOException {
        Path target = path(key);
        Path fresh = Files.createTempFile(pending, "put", "");
        try {
            Stored stored = write(key, content, fresh, bytesMax);
            link(stored, fresh, target);
            return stored;
        } finally {
            Files.deleteIfExists(fresh);
        }
    }

    private static Stored write(String key, InputStream content, Path file, long bytesMax)
            throws IOException {
        MessageDigest digest = Sha256.digest();
        byte[] buffer = new byte[1 << 16];
        long total = 0;
        try (OutputStream out = new DigestOutputStream(Files.newOutputStream(file), digest)) {
            for (int n = content.read(buffer); n >= 0; n = content.read(buffer)) {
                total += n;
                if (total > bytesMax) {
                    throw failure(TOO_LARGE, key, "longer than " + bytesMax + " bytes", null);
                }
                out.write(buffer, 0, n);
            }
        }
        return new Stored(key, total, Sha256.of(digest));
    }

    private static void link(Stored stored, Path fresh, Path target) throws IOException {
        Files.createDirectories(target.getParent());
        try {
            Files.createLink(target, fresh);
        } catch (FileAlreadyExistsException e) {
            if (Files.mismatch(fresh, target) >= 0) {
                throw failure(EXISTS, stored.key(), "holds other bytes", e);
            }
        }
    }

    @Override
    public InputStream open(String key) {
        try {
            return Files.newInputStream(path(key));
        } catch (NoSuchFileException e) {
            throw failure(NOT_FOUND, key, "does not exist", e);
        } catch (IOException e) {
            throw ObjectStoreException.unavailable(key, e);
        }
    }

    @Override
    public InputStream open(String key, long offset, long length) {
        try (InputStream all = open(key)) {
            all.skipNBytes(offset);
            return new ByteArrayInputStream(all.readNBytes(Math.toIntExact(length)));
        } catch (IOException e) {
            throw ObjectStoreException.unavailable(key, e);
        }
    }

    @Override
    public Optional<Head> head(String key) {
        Path file = path(key);
        return Files.isRegularFile(file) ? Optional.of(head(key, file)) : Optional.empty();
    }

    @Override
    public List<Head> list(String prefix, String after, int limit) {
        try (Stream<Path> files = Files.walk(objects)) {
            return files.filter(Files::isRegularFile)
                    .map(file -> head(objects.relativize(file).toString(), file))
                    .filter(head -> head.key().startsWith(prefix))
                    .filter(head -> head.key().compareTo(after) > 0)
                    .sorted(Comparator.comparing(Head::key))
                    .limit(limit)
                    .toList();
        } catch (IOException e) {
            throw ObjectStoreException.unavailable(prefix, e);
        }
    }

    @Override
    public void delete(String key) {
        try {
            Files.deleteIfExists(path(key));
        } catch (IOException e) {
            throw ObjectStoreException.unavailable(key, e);
        }
    }

    @Override
    public void deleteAll(Collection<String> keys) {
        keys.forEach(this::delete);
    }

    @Override
    public URI presignGet(String key, Duration validity) {
        return path(key).toUri();
    }

    @Override
    public URI presignPut(String key, Duration validity) {
        return path(key).toUri();
    }

    @Override
    public Upload startUpload(String key) {
        var upload = new Upload(Keys.checked(key), UUID.randomUUID().toString());
        try {
            Files.createDirectory(folder(upload));
        } catch (IOException e) {
            throw ObjectStoreException.unavailable(key, e);
        }
        return upload;
    }

    @Override
    public Part putPart(Upload upload, int number, byte[] content) {
        try {
            Files.write(existing(upload).resolve("%05d".formatted(number)), content);
            return new Part(number, Sha256.of(content));
        } catch (IOException e) {
            throw ObjectStoreException.unavailable(upload.key(), e);
        }
    }

    @Override
    public void completeUpload(Upload upload, List<Part> parts) {
        Path folder = existing(upload);
        try {
            Path whole = folder.resolve("whole");
            try (OutputStream out = Files.newOutputStream(whole)) {
                for (Part part : parts) {
                    Files.copy(folder.resolve("%05d".formatted(part.number())), out);
                }
            }
            try (InputStream content = Files.newInputStream(whole)) {
                put(upload.key(), content, Long.MAX_VALUE);
            }
            abortUpload(upload);
        } catch (IOException e) {
            throw ObjectStoreException.unavailable(upload.key(), e);
        }
    }

    @Override
    public void abortUpload(Upload upload) {
        if (!Files.isDirectory(folder(upload))) {
            return;
        }
        try (Stream<Path> files = Files.walk(folder(upload))) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        } catch (IOException e) {
            throw ObjectStoreException.unavailable(upload.key(), e);
        }
    }

    @Override
    public Credentials credentials(String prefix) {
        return new Credentials(objects.toUri().toString(), "objects", "", "", "");
    }

    private Path path(String key) {
        return objects.resolve(Keys.checked(key));
    }

    private Path folder(Upload upload) {
        return pending.resolve(upload.id());
    }

    private Path existing(Upload upload) {
        Path folder = folder(upload);
        if (!Files.isDirectory(folder)) {
            throw failure(NOT_FOUND, upload.key(), "there is no upload " + upload.id(), null);
        }
        return folder;
    }

    private static Head head(String key, Path file) {
        try {
            return new Head(key, Files.size(file), Files.getLastModifiedTime(file).toInstant());
        } catch (IOException e) {
            throw ObjectStoreException.unavailable(key, e);
        }
    }

    private static ObjectStoreException failure(
            ObjectStoreException.Code code, String key, String message, @Nullable Throwable cause) {
        return new ObjectStoreException(code, key, message, cause);
    }
}
