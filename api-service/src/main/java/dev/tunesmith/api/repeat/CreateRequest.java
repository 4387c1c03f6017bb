package dev.tunesmith.api.repeat;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.tunesmith.api.web.ApiException;
import dev.tunesmith.api.web.Bodies;
import dev.tunesmith.contracts.id.Sha256;
import dev.tunesmith.contracts.problem.ProblemCode;
import dev.tunesmith.platform.json.Json;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// A request that makes something.
///
/// @param hash of method, path and canonical body, in hexadecimal
/// @param key the client's idempotency key
/// @param isRetry whether the SDK says that it sends this again
public record CreateRequest(
        Map<String, Object> tree, String hash, Optional<String> key, boolean isRetry) {
    private static final int KEY_MAX = 255;

    /// Reads a request.
    ///
    /// @param key of the header `Idempotency-Key`
    /// @param retryCount of the header `x-stainless-retry-count`
    /// @throws ApiException if the key is too long or the body is no JSON object
    public static CreateRequest of(
            String path, byte[] body, @Nullable String key, @Nullable String retryCount) {
        if (key != null && (key.isEmpty() || key.length() > KEY_MAX)) {
            throw ApiException.of(
                    ProblemCode.INVALID_VALUE,
                    FirstAnswers.HEADER,
                    "The idempotency key must have 1 to %d characters".formatted(KEY_MAX));
        }
        Map<String, Object> tree = Bodies.storable(body);
        MessageDigest digest = Sha256.digest();
        digest.update("POST %s\n".formatted(path).getBytes(UTF_8));
        digest.update(Json.canonical(tree));
        boolean isRetry = retryCount != null && !retryCount.strip().equals("0");
        return new CreateRequest(tree, Sha256.of(digest), Optional.ofNullable(key), isRetry);
    }

    /// [#hash] as the database has it.
    public byte[] hashBytes() {
        return HexFormat.of().parseHex(hash);
    }
}
