package dev.tunesmith.platform.tenant;

import static java.nio.charset.StandardCharsets.US_ASCII;

import java.math.BigInteger;
import java.security.InvalidKeyException;
import java.security.NoSuchAlgorithmException;
import java.security.SecureRandom;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.zip.CRC32;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/// An API key: `tsk_<environment>_<key id>_<256-bit secret in base 62>_<CRC-32 in base 62>`.
///
/// Prefix and checksum let scanners find keys that leaked. The database keeps the key id and
/// [#mac], never the secret; `toString` shows the key id only.
public final class ApiKey {
    private static final String DIGITS =
            "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    private static final int ID_LENGTH = 12;
    private static final int SECRET_LENGTH = 43;
    private static final int CHECK_LENGTH = 6;
    private static final int SECRET_BITS = 256;
    private static final Pattern FORM =
            Pattern.compile(
                    "(tsk_[a-z0-9]{1,16}_([0-9A-Za-z]{%d})_([0-9A-Za-z]{%d}))_([0-9A-Za-z]{%d})"
                            .formatted(ID_LENGTH, SECRET_LENGTH, CHECK_LENGTH));

    private final String text;
    private final String keyId;
    private final String secret;

    private ApiKey(String text, String keyId, String secret) {
        this.text = text;
        this.keyId = keyId;
        this.secret = secret;
    }

    /// A new key.
    ///
    /// @param environment short lower-case word that says where the key is for: `local`, `live`
    public static ApiKey create(String environment, SecureRandom random) {
        String keyId = base62(new BigInteger(70, random), ID_LENGTH);
        String secret = base62(new BigInteger(SECRET_BITS, random), SECRET_LENGTH);
        String head = "tsk_%s_%s_%s".formatted(environment, keyId, secret);
        return parse(head + "_" + check(head))
                .orElseThrow(() ->
                        new IllegalArgumentException(
                                "not an environment of a key: " + environment));
    }

    /// The key in a text, or empty when it is none or its checksum is wrong.
    public static Optional<ApiKey> parse(String text) {
        Matcher matcher = FORM.matcher(text);
        if (!matcher.matches() || !check(matcher.group(1)).equals(matcher.group(4))) {
            return Optional.empty();
        }
        return Optional.of(new ApiKey(text, matcher.group(2), matcher.group(3)));
    }

    /// The whole key, to be shown to its owner once.
    public String text() {
        return text;
    }

    /// The public part by which its row is found.
    public String keyId() {
        return keyId;
    }

    /// HMAC-SHA-256 of the secret. A slow hash is not needed for 256 random bits.
    ///
    /// @param pepper secret of the installation, at least 16 bytes
    public byte[] mac(byte[] pepper) {
        return mac(pepper, secret);
    }

    /// What finding no row costs: the same work as finding one.
    public static byte[] mac(byte[] pepper, String secret) {
        try {
            Mac mac = Mac.getInstance("HmacSHA256");
            mac.init(new SecretKeySpec(pepper, "HmacSHA256"));
            return mac.doFinal(secret.getBytes(US_ASCII));
        } catch (NoSuchAlgorithmException | InvalidKeyException e) {
            throw new IllegalStateException("every JDK has HmacSHA256", e);
        }
    }

    @Override
    public String toString() {
        return "ApiKey[" + keyId + " ***]";
    }

    private static String check(String head) {
        var crc = new CRC32();
        crc.update(head.getBytes(US_ASCII));
        return base62(BigInteger.valueOf(crc.getValue()), CHECK_LENGTH);
    }

    private static String base62(BigInteger value, int length) {
        var digits = new StringBuilder();
        BigInteger rest = value;
        BigInteger base = BigInteger.valueOf(DIGITS.length());
        for (int i = 0; i < length; i++) {
            BigInteger[] parts = rest.divideAndRemainder(base);
            digits.append(DIGITS.charAt(parts[1].intValue()));
            rest = parts[0];
        }
        return digits.reverse().toString();
    }
}
