package dev.tunesmith.platform.objects;

import static dev.tunesmith.platform.objects.ObjectStoreException.Code.EXISTS;
import static dev.tunesmith.platform.objects.ObjectStoreException.Code.NOT_FOUND;
import static dev.tunesmith.platform.objects.ObjectStoreException.Code.TOO_LARGE;

import dev.tunesmith.contracts.id.Sha256;
import io.minio.AbortMultipartUploadArgs;
import io.minio.BucketExistsArgs;
import io.minio.CompleteMultipartUploadArgs;
import io.minio.CreateMultipartUploadArgs;
import io.minio.DeleteObjectsArgs;
import io.minio.GetObjectArgs;
import io.minio.GetPresignedObjectUrlArgs;
import io.minio.HeadObjectArgs;
import io.minio.HeadObjectResponse;
import io.minio.Http;
import io.minio.ListObjectsV2Args;
import io.minio.MakeBucketArgs;
import io.minio.MinioAsyncClient;
import io.minio.PutObjectAPIArgs;
import io.minio.RemoveObjectArgs;
import io.minio.UploadPartArgs;
import io.minio.errors.MinioException;
import io.minio.messages.DeleteRequest;
import io.minio.messages.DeleteResult;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import okhttp3.Dispatcher;
import okhttp3.Interceptor;
import okhttp3.OkHttpClient;
import okhttp3.Request;
import okhttp3.Response;

/// Objects on an S3 server, through the MinIO client.
///
/// The create-only condition (`If-None-Match: *`) goes on single-part PUTs and on the completion of
/// an upload in parts, never on its beginning, where the client's own upload loses it. When a
/// repeated request of ours finds the object there, length and SHA-256 decide whether it was us.
public final class S3Objects implements ObjectStore, AutoCloseable {
    private static final int REQUESTS_MAX = 32;
    private static final int PART_BYTES = 8 << 20;
    private static final int LARGE_PART_BYTES = 64 << 20;

    /// From this part on parts are large, so that 10,000 of them hold half a terabyte.
    private static final int LARGE_PARTS_FROM = 1_000;

    private static final int DELETE_MAX = 1_000;
    private static final Map<String, String> CREATE_ONLY = Map.of("If-None-Match", "*");

    private final MinioAsyncClient client;
    private final OkHttpClient http;
    private final Credentials credentials;
    private final String bucket;
    private final S3Calls calls;

    private S3Objects(
            MinioAsyncClient client, OkHttpClient http, Credentials credentials, S3Calls calls) {
        this.client = client;
        this.http = http;
        this.credentials = credentials;
        this.bucket = credentials.bucket();
        this.calls = calls;
    }

    /// Objects in the bucket that the credentials name. Nothing is sent yet.
    public static S3Objects open(Credentials credentials) {
        return open(credentials, S3Waits.USUAL);
    }

    /// The same with other bounds.
    static S3Objects open(Credentials credentials, S3Waits waits) {
        var dispatcher = new Dispatcher();
        dispatcher.setMaxRequestsPerHost(REQUESTS_MAX);
        OkHttpClient http =
                new OkHttpClient.Builder()
                        .dispatcher(dispatcher)
                        .connectTimeout(waits.connect())
                        .readTimeout(waits.answer())
                        .writeTimeout(waits.answer())
                        .followRedirects(false)
                        .followSslRedirects(false)
                        .addInterceptor(S3Objects::staying)
                        .addInterceptor(chain -> patient(chain, waits))
                        .build();
        MinioAsyncClient client =
                MinioAsyncClient.builder()
                        .endpoint(credentials.endpoint())
                        .region(credentials.region())
                        .credentials(credentials.accessKey(), credentials.secretKey())
                        .httpClient(http)
                        .build();
        return new S3Objects(client, http, credentials, new S3Calls(waits.patience()));
    }

    /// Where objects lie is what the operator says, never what an answer points to.
    private static Response staying(Interceptor.Chain chain) throws IOException {
        Response response = chain.proceed(chain.request());
        if (response.isRedirect()) {
            response.close();
            String there = Objects.requireNonNullElse(response.header("Location"), "nowhere");
            throw new RedirectException(response.code(), there);
        }
        return response;
    }

    /// Only the end of an upload in parts may take long without a byte.
    private static Response patient(Interceptor.Chain chain, S3Waits waits) throws IOException {
        Request request = chain.request();
        boolean joins =
                request.method().equals("POST") && request.url().queryParameter("uploadId") != null;
        int millis = Math.toIntExact(waits.joining().toMillis());
        return joins
                ? chain.withReadTimeout(millis, TimeUnit.MILLISECONDS).proceed(request)
                : chain.proceed(request);
    }

    /// Creates the bucket when it is missing, for a server of one's own.
    public void ensureBucket() {
        boolean exists =
                calls.retrying(
                        bucket,
                        () ->
                                client.bucketExists(
                                        BucketExistsArgs.builder().bucket(bucket).build()));
        if (!exists) {
            calls.retrying(
                    bucket,
                    () -> client.makeBucket(MakeBucketArgs.builder().bucket(bucket).build()));
        }
    }

    @Override
    public Stored put(String key, byte[] content) {
        return put(Keys.checked(key), content, content.length);
    }

    private Stored put(String key, byte[] buffer, int length) {
        MessageDigest digest = Sha256.digest();
        digest.update(buffer, 0, length);
        var stored = new Stored(key, length, Sha256.of(digest));
        PutObjectAPIArgs request =
                PutObjectAPIArgs.builder()
                        .bucket(bucket)
                        .object(key)
                        .data(buffer, length)
                        .extraHeaders(CREATE_ONLY)
                        .build();
        try {
            calls.retrying(key, () -> client.putObject(request));
        } catch (ObjectStoreException e) {
            acceptIfOurs(stored, e);
        }
        return stored;
    }

    @Override
    public Stored put(String key, InputStream content, long bytesMax) throws IOException {
        Keys.checked(key);
        byte[] buffer = new byte[PART_BYTES];
        int length = content.readNBytes(buffer, 0, PART_BYTES);
        if (length > bytesMax) {
            throw tooLarge(key, bytesMax);
        }
        if (length < PART_BYTES) {
            return put(key, buffer, length);
        }
        Upload upload = startUpload(key);
        try {
            return putParts(upload, buffer, content, bytesMax);
        } catch (ObjectStoreException | IOException e) {
            abortQuietly(upload, e);
            throw e;
        }
    }

    private Stored putParts(Upload upload, byte[] first, InputStream rest, long bytesMax)
            throws IOException {
        MessageDigest digest = Sha256.digest();
        var parts = new ArrayList<Part>();
        byte[] buffer = first;
        int length = first.length;
        long total = 0;
        while (length > 0) {
            total += length;
            if (total > bytesMax) {
                throw tooLarge(upload.key(), bytesMax);
            }
            digest.update(buffer, 0, length);
            int number = parts.size() + 1;
            parts.add(putPart(upload, number, buffer, length));
            if (number == LARGE_PARTS_FROM) {
                buffer = new byte[LARGE_PART_BYTES];
            }
            length = rest.readNBytes(buffer, 0, buffer.length);
        }
        String sha256 = Sha256.of(digest);
        var stored = new Stored(upload.key(), total, sha256);
        try {
            completeUpload(upload, parts);
        } catch (ObjectStoreException e) {
            acceptIfOurs(stored, e);
            abortQuietly(upload, e);
        }
        return stored;
    }

    /// An object that is there already, or an upload that is gone, may be our own earlier request
    /// whose answer was lost.
    private void acceptIfOurs(Stored expected, ObjectStoreException failure) {
        if (failure.code() != EXISTS && failure.code() != NOT_FOUND) {
            throw failure;
        }
        boolean ours =
                head(expected.key()).filter(found -> found.bytes() == expected.bytes()).isPresent()
                        && sha256(expected.key()).equals(expected.sha256());
        if (!ours) {
            throw failure;
        }
    }

    private String sha256(String key) {
        MessageDigest digest = Sha256.digest();
        byte[] buffer = new byte[1 << 16];
        try (InputStream stream = open(key)) {
            for (int n = stream.read(buffer); n >= 0; n = stream.read(buffer)) {
                digest.update(buffer, 0, n);
            }
        } catch (IOException e) {
            throw ObjectStoreException.unavailable(key, e);
        }
        return Sha256.of(digest);
    }

    @Override
    public InputStream open(String key) {
        return open(GetObjectArgs.builder().bucket(bucket).object(Keys.checked(key)).build());
    }

    @Override
    public InputStream open(String key, long offset, long length) {
        if (length == 0) {
            return InputStream.nullInputStream();
        }
        return open(
                GetObjectArgs.builder()
                        .bucket(bucket)
                        .object(Keys.checked(key))
                        .offset(offset)
                        .length(length)
                        .build());
    }

    private InputStream open(GetObjectArgs request) {
        return calls.retrying(request.object(), () -> client.getObject(request));
    }

    @Override
    public Optional<Head> head(String key) {
        HeadObjectArgs request =
                HeadObjectArgs.builder().bucket(bucket).object(Keys.checked(key)).build();
        try {
            HeadObjectResponse found = calls.retrying(key, () -> client.headObject(request));
            return Optional.of(new Head(key, found.size(), found.lastModified().toInstant()));
        } catch (ObjectStoreException e) {
            if (e.code() == NOT_FOUND) {
                return Optional.empty();
            }
            throw e;
        }
    }

    @Override
    public List<Head> list(String prefix, String after, int limit) {
        ListObjectsV2Args.Builder request =
                ListObjectsV2Args.builder().bucket(bucket).prefix(prefix).maxKeys(limit);
        if (!after.isEmpty()) {
            request.startAfter(after);
        }
        return calls
                .retrying(prefix, () -> client.listObjectsV2(request.build()))
                .result()
                .contents()
                .stream()
                .map(item ->
                        new Head(item.objectName(), item.size(), item.lastModified().toInstant()))
                .toList();
    }

    @Override
    public void delete(String key) {
        RemoveObjectArgs request =
                RemoveObjectArgs.builder().bucket(bucket).object(Keys.checked(key)).build();
        try {
            calls.retrying(key, () -> client.removeObject(request));
        } catch (ObjectStoreException e) {
            if (e.code() != NOT_FOUND) {
                throw e;
            }
        }
    }

    @Override
    public void deleteAll(Collection<String> keys) {
        List<DeleteRequest.Object> all =
                keys.stream().map(key -> new DeleteRequest.Object(Keys.checked(key))).toList();
        for (int from = 0; from < all.size(); from += DELETE_MAX) {
            List<DeleteRequest.Object> some =
                    all.subList(from, Math.min(all.size(), from + DELETE_MAX));
            DeleteObjectsArgs request =
                    DeleteObjectsArgs.builder().bucket(bucket).quiet(true).objects(some).build();
            List<DeleteResult.Error> errors =
                    calls.retrying(bucket, () -> client.deleteObjects(request)).result().errors();
            for (DeleteResult.Error error : errors) {
                if (!"NoSuchKey".equals(error.code())) {
                    throw new ObjectStoreException(
                            ObjectStoreException.Code.UNAVAILABLE,
                            error.objectName(),
                            "not deleted: " + error.code(),
                            null);
                }
            }
        }
    }

    @Override
    public URI presignGet(String key, Duration validity) {
        return presign(key, validity, Http.Method.GET);
    }

    @Override
    public URI presignPut(String key, Duration validity) {
        return presign(key, validity, Http.Method.PUT);
    }

    private URI presign(String key, Duration validity, Http.Method method) {
        try {
            return URI.create(
                    client.getPresignedObjectUrl(
                            GetPresignedObjectUrlArgs.builder()
                                    .bucket(bucket)
                                    .object(Keys.checked(key))
                                    .method(method)
                                    .expiry(Math.toIntExact(validity.toSeconds()))
                                    .build()));
        } catch (MinioException e) {
            throw S3Calls.translated(key, e);
        }
    }

    @Override
    public Upload startUpload(String key) {
        CreateMultipartUploadArgs request =
                CreateMultipartUploadArgs.builder()
                        .bucket(bucket)
                        .object(Keys.checked(key))
                        .build();
        return new Upload(
                key,
                calls.retrying(key, () -> client.createMultipartUpload(request))
                        .result()
                        .uploadId());
    }

    @Override
    public Part putPart(Upload upload, int number, byte[] content) {
        return putPart(upload, number, content, content.length);
    }

    private Part putPart(Upload upload, int number, byte[] buffer, int length) {
        UploadPartArgs request =
                UploadPartArgs.builder()
                        .bucket(bucket)
                        .object(upload.key())
                        .uploadId(upload.id())
                        .partNumber(number)
                        .data(buffer, length)
                        .build();
        return new Part(
                number,
                calls.retrying(upload.key(), () -> client.uploadPart(request)).part().etag());
    }

    @Override
    public void completeUpload(Upload upload, List<Part> parts) {
        CompleteMultipartUploadArgs request =
                CompleteMultipartUploadArgs.builder()
                        .bucket(bucket)
                        .object(upload.key())
                        .uploadId(upload.id())
                        .parts(
                                parts.stream()
                                        .map(part ->
                                                new io.minio.messages.Part(
                                                        part.number(), part.tag()))
                                        .toArray(io.minio.messages.Part[]::new))
                        .extraHeaders(CREATE_ONLY)
                        .build();
        calls.retrying(upload.key(), () -> client.completeMultipartUpload(request));
    }

    @Override
    public void abortUpload(Upload upload) {
        AbortMultipartUploadArgs request =
                AbortMultipartUploadArgs.builder()
                        .bucket(bucket)
                        .object(upload.key())
                        .uploadId(upload.id())
                        .build();
        try {
            calls.retrying(upload.key(), () -> client.abortMultipartUpload(request));
        } catch (ObjectStoreException e) {
            if (e.code() != NOT_FOUND) {
                throw e;
            }
        }
    }

    /// The parts of a failed upload are swept later when they cannot be removed now.
    private void abortQuietly(Upload upload, Exception reason) {
        try {
            abortUpload(upload);
        } catch (ObjectStoreException e) {
            reason.addSuppressed(e);
        }
    }

    /// The one shared credential: the servers that we embed have no token service.
    @Override
    public Credentials credentials(String prefix) {
        return credentials;
    }

    /// Ends the client's threads, which would otherwise keep a process alive for a minute.
    @Override
    public void close() {
        http.dispatcher().executorService().shutdown();
        http.connectionPool().evictAll();
    }

    private static ObjectStoreException tooLarge(String key, long bytesMax) {
        return new ObjectStoreException(TOO_LARGE, key, "longer than " + bytesMax + " bytes", null);
    }
}
