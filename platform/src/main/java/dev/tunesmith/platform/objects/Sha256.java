package dev.tunesmith.platform.objects;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.DigestOutputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/// SHA-256 as 64 lower-case hexadecimal digits, the way manifests carry it.
public final class Sha256 {
    private Sha256() {}

    /// The hash of some bytes.
    public static String of(byte[] content) {
        return text(digest().digest(content));
    }

    /// The hash of a file.
    public static String of(Path file) throws IOException {
        MessageDigest digest = digest();
        try (InputStream in = Files.newInputStream(file);
                OutputStream out =
                        new DigestOutputStream(OutputStream.nullOutputStream(), digest)) {
            long _ = in.transferTo(out);
        }
        return text(digest.digest());
    }

    /// A new computation.
    public static MessageDigest digest() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }

    private static String text(byte[] hash) {
        return HexFormat.of().formatHex(hash);
    }
}
