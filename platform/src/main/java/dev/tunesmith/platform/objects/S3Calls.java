package dev.tunesmith.platform.objects;

import dev.tunesmith.platform.objects.ObjectStoreException.Code;
import io.minio.errors.ErrorResponseException;
import io.minio.errors.InvalidResponseException;
import io.minio.errors.MinioException;
import io.minio.errors.ServerException;
import java.io.IOException;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ThreadLocalRandom;
import java.util.stream.Stream;

/// Waits for calls of the client, tells its failures apart, and repeats what may succeed later.
///
/// Every request of ours may be repeated: reads change nothing, writes are create-only, parts and
/// deletions have the same effect twice.
final class S3Calls {
    private static final int TRIES_MAX = 4;
    private static final long PAUSE_MS = 150;

    private final Duration patience;

    /// @param patience after which nothing is begun again
    S3Calls(Duration patience) {
        this.patience = patience;
    }

    /// A call of the client that has not been made yet.
    interface Call<T> {
        CompletableFuture<T> start() throws MinioException;
    }

    <T> T retrying(String key, Call<T> call) {
        long deadline = System.nanoTime() + patience.toNanos();
        for (int tries = 1; ; tries++) {
            try {
                return call.start().get();
            } catch (MinioException e) {
                giveUpOrPause(translated(key, e), tries, deadline);
            } catch (ExecutionException e) {
                giveUpOrPause(
                        translated(key, Objects.requireNonNullElse(e.getCause(), e)),
                        tries,
                        deadline);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw ObjectStoreException.unavailable(key, e);
            }
        }
    }

    private static void giveUpOrPause(ObjectStoreException failure, int tries, long deadline) {
        boolean late = System.nanoTime() - deadline > 0;
        if (failure.code() != Code.UNAVAILABLE || tries == TRIES_MAX || late) {
            throw failure;
        }
        long pause = PAUSE_MS << (tries - 1);
        try {
            Thread.sleep(ThreadLocalRandom.current().nextLong(pause / 2, pause * 2));
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
            throw failure;
        }
    }

    static ObjectStoreException translated(String key, Throwable failure) {
        Throwable cause = rootOf(failure);
        return switch (cause) {
            case ErrorResponseException answer ->
                    new ObjectStoreException(
                            code(answer.response().code()),
                            key,
                            "the store answered "
                                    + answer.response().code()
                                    + " "
                                    + answer.errorResponse().code(),
                            failure);
            case RedirectException elsewhere ->
                    new ObjectStoreException(Code.BROKEN, key, elsewhere.words(), failure);
            case ServerException _, InvalidResponseException _, IOException _ ->
                    ObjectStoreException.unavailable(key, cause);
            default ->
                    new ObjectStoreException(
                            Code.BROKEN, key, String.valueOf(cause.getMessage()), failure);
        };
    }

    /// The first cause that says what happened; wrappers of futures and of the client around it say
    /// less.
    private static Throwable rootOf(Throwable failure) {
        return Stream.iterate(failure, Objects::nonNull, Throwable::getCause)
                .limit(20)
                .filter(cause ->
                        cause instanceof ErrorResponseException
                                || cause instanceof ServerException
                                || cause instanceof InvalidResponseException
                                || cause instanceof IOException)
                .findFirst()
                .orElse(failure);
    }

    private static Code code(int status) {
        return switch (status) {
            case 404 -> Code.NOT_FOUND;
            case 409, 412 -> Code.EXISTS;
            case 401, 403 -> Code.DENIED;
            case 408, 425, 429 -> Code.UNAVAILABLE;
            default -> status >= 500 ? Code.UNAVAILABLE : Code.BROKEN;
        };
    }
}
