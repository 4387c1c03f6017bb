package dev.tunesmith.contracts.id;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.security.DigestOutputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/// SHA-256 as 64 lower-case hexadecimal digits, the way manifests carry it.
public final class Sha256 {
    private Sha256() {}

    /// The hash of some bytes.
    public static String of(byte[] content) {
        return HexFormat.of().formatHex(digest().digest(content));
    }

    /// The hash of all that a stream gives.
    public static String of(InputStream content) throws IOException {
        MessageDigest digest = digest();
        long _ =
                content.transferTo(new DigestOutputStream(OutputStream.nullOutputStream(), digest));
        return of(digest);
    }

    /// The hash of what a computation was given, which begins anew.
    public static String of(MessageDigest digest) {
        return HexFormat.of().formatHex(digest.digest());
    }

    /// A new computation.
    public static MessageDigest digest() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }
}
