package dev.tunesmith.contracts.id;

import static java.nio.charset.StandardCharsets.US_ASCII;

import java.security.GeneralSecurityException;
import java.util.Optional;
import java.util.random.RandomGenerator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.zip.CRC32;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/// A bearer key as its owner holds it: `tsk_<environment>_<key id>_<secret>_<checksum>`.
///
/// Prefix and checksum let scanners find a leaked key. The secret has 256 bits, so the server keeps
/// a keyed hash of it and no slow one. Its text never appears in [#toString].
///
/// @param environment where it is valid, `live` or `test`
/// @param id finds the row; not secret
/// @param secret known to the owner alone
public record ApiKey(String environment, String id, String secret) {
    private static final String DIGITS =
            "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

    /// 62^43 is just above 2^256.
    private static final int SECRET_LENGTH = 43;

    private static final int ID_LENGTH = 16;
    private static final String ALGORITHM = "HmacSHA256";
    private static final Pattern FORM =
            Pattern.compile("tsk_([a-z]{1,16})_([0-9A-Za-z]{16})_([0-9A-Za-z]{43})_([0-9a-f]{8})");

    /// Makes a new key.
    ///
    /// @param random a cryptographically strong one
    public static ApiKey generate(String environment, RandomGenerator random) {
        return new ApiKey(environment, word(ID_LENGTH, random), word(SECRET_LENGTH, random));
    }

    /// Reads what a client sent; empty if it cannot be a key, which costs no look-up.
    public static Optional<ApiKey> parse(String text) {
        Matcher found = FORM.matcher(text);
        if (!found.matches()) {
            return Optional.empty();
        }
        var key = new ApiKey(found.group(1), found.group(2), found.group(3));
        return key.checksum().equals(found.group(4)) ? Optional.of(key) : Optional.empty();
    }

    /// The whole key, for its owner and for nobody else.
    public String text() {
        return body() + "_" + checksum();
    }

    /// What the server stores: HMAC-SHA-256 of the secret under the server's pepper.
    public byte[] mac(String pepper) {
        try {
            Mac mac = Mac.getInstance(ALGORITHM);
            mac.init(new SecretKeySpec(pepper.getBytes(US_ASCII), ALGORITHM));
            return mac.doFinal(secret.getBytes(US_ASCII));
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("every JDK has " + ALGORITHM, e);
        }
    }

    /// The end of the secret, shown in lists so that an owner can tell keys apart.
    public String lastFour() {
        return secret.substring(secret.length() - 4);
    }

    @Override
    public String toString() {
        return "ApiKey[" + id + ", ***]";
    }

    private String body() {
        return "tsk_" + environment + "_" + id + "_" + secret;
    }

    private String checksum() {
        var sum = new CRC32();
        sum.update(body().getBytes(US_ASCII));
        return "%08x".formatted(sum.getValue());
    }

    private static String word(int length, RandomGenerator random) {
        var result = new StringBuilder(length);
        for (int i = 0; i < length; i++) {
            result.append(DIGITS.charAt(random.nextInt(DIGITS.length())));
        }
        return result.toString();
    }
}
