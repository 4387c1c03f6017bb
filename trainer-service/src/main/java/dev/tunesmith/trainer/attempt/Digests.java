package dev.tunesmith.trainer.attempt;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.DigestOutputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/// SHA-256 as lower-case hexadecimal, the way manifests carry it.
final class Digests {

    private Digests() {}

    /// The hash of a file.
    static String sha256(Path file) throws IOException {
        MessageDigest digest = sha256();
        try (InputStream in = Files.newInputStream(file);
                OutputStream out =
                        new DigestOutputStream(OutputStream.nullOutputStream(), digest)) {
            long _ = in.transferTo(out);
        }
        return HexFormat.of().formatHex(digest.digest());
    }

    /// The hash of some bytes.
    static String sha256(byte[] content) {
        return HexFormat.of().formatHex(sha256().digest(content));
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }
}
