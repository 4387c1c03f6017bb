package dev.tunesmith.contracts.serving;

import dev.tunesmith.contracts.id.TenantId;
import java.net.URLDecoder;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.jspecify.annotations.Nullable;

/// A short-lived permission to run one request on one model, signed by api-service.
///
/// inference-service trusts nothing else: it needs no SQL to know whose request it serves and which
/// objects make the model. The signed form is `base64url(fields) "." base64url(HMAC-SHA256)`, where
/// the fields are URL-encoded and joined by `&` in a fixed order; it travels in the header
/// [#HEADER].
///
/// @param model name as the client wrote it
/// @param base weights that are loaded first
/// @param adapter applied to the base; null unless the kind is [Kind#ADAPTER]
public record ServingGrant(
        TenantId tenant,
        String model,
        String requestId,
        Instant expiresAt,
        Kind kind,
        Weights base,
        @Nullable Weights adapter) {
    /// The request header that carries the signed form.
    public static final String HEADER = "X-Tunesmith-Grant";

    private static final String ALGORITHM = "HmacSHA256";
    private static final String FORMAT = "g1";
    private static final int FIELDS = 10;
    private static final int KEY_BYTES_MIN = 32;

    public ServingGrant {
        if ((kind == Kind.ADAPTER) != (adapter != null)) {
            throw new IllegalArgumentException(
                    "an adapter belongs to kind ADAPTER and to no other, found kind " + kind);
        }
    }

    /// What is served.
    public enum Kind {
        BASE,
        ADAPTER,
        MERGED
    }

    /// A stored model directory.
    ///
    /// @param manifestKey full key of its `MANIFEST.json`
    /// @param manifestSha256 64 lower-case hexadecimal digits
    public record Weights(String manifestKey, String manifestSha256) {}

    /// What a check of a signed grant found.
    public sealed interface Verdict {}

    /// The grant is genuine and still valid.
    public record Valid(ServingGrant grant) implements Verdict {}

    /// The grant must not be served; the reason is for the log, never for the client.
    public record Refused(String reason) implements Verdict {}

    /// The signed form.
    ///
    /// @param key shared by api-service and inference-service, at least 32 bytes
    public String sign(byte[] key) {
        byte[] fields = fields().getBytes(StandardCharsets.UTF_8);
        Base64.Encoder base64 = Base64.getUrlEncoder().withoutPadding();
        return base64.encodeToString(fields) + "." + base64.encodeToString(mac(key, fields));
    }

    /// Checks signature, shape and time, in this order.
    public static Verdict verify(String signed, byte[] key, Instant now) {
        int dot = signed.indexOf('.');
        Optional<byte[]> fields = decode(signed.substring(0, Math.max(dot, 0)));
        Optional<byte[]> signature = decode(signed.substring(dot + 1));
        if (dot < 0 || fields.isEmpty() || signature.isEmpty()) {
            return new Refused("not a signed grant");
        }
        if (!MessageDigest.isEqual(mac(key, fields.get()), signature.get())) {
            return new Refused("wrong signature");
        }
        ServingGrant grant = parse(new String(fields.get(), StandardCharsets.UTF_8));
        if (!now.isBefore(grant.expiresAt)) {
            return new Refused("expired at " + grant.expiresAt);
        }
        return new Valid(grant);
    }

    private String fields() {
        List<String> values = new ArrayList<>();
        values.add(FORMAT);
        values.add(tenant.wire());
        values.add(model);
        values.add(requestId);
        values.add(Long.toString(expiresAt.toEpochMilli()));
        values.add(kind.name());
        values.add(base.manifestKey);
        values.add(base.manifestSha256);
        values.add(adapter == null ? "" : adapter.manifestKey);
        values.add(adapter == null ? "" : adapter.manifestSha256);
        return String.join(
                "&",
                values.stream().map(v -> URLEncoder.encode(v, StandardCharsets.UTF_8)).toList());
    }

    /// Reads fields whose signature was right, so a wrong shape is a fault of our own.
    private static ServingGrant parse(String fields) {
        List<String> values = new ArrayList<>();
        for (String field : fields.split("&", -1)) {
            values.add(URLDecoder.decode(field, StandardCharsets.UTF_8));
        }
        if (values.size() != FIELDS || !values.getFirst().equals(FORMAT)) {
            throw new IllegalArgumentException("signed by another version of this format");
        }
        Kind kind = Kind.valueOf(values.get(5));
        return new ServingGrant(
                TenantId.parse(values.get(1)),
                values.get(2),
                values.get(3),
                Instant.ofEpochMilli(Long.parseLong(values.get(4))),
                kind,
                new Weights(values.get(6), values.get(7)),
                kind == Kind.ADAPTER ? new Weights(values.get(8), values.get(9)) : null);
    }

    private static Optional<byte[]> decode(String base64) {
        try {
            return Optional.of(Base64.getUrlDecoder().decode(base64));
        } catch (IllegalArgumentException _) {
            return Optional.empty();
        }
    }

    private static byte[] mac(byte[] key, byte[] content) {
        if (key.length < KEY_BYTES_MIN) {
            throw new IllegalArgumentException(
                    "the grant key needs %d bytes, found %d".formatted(KEY_BYTES_MIN, key.length));
        }
        try {
            Mac mac = Mac.getInstance(ALGORITHM);
            mac.init(new SecretKeySpec(key, ALGORITHM));
            return mac.doFinal(content);
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("every JDK has " + ALGORITHM, e);
        }
    }
}
