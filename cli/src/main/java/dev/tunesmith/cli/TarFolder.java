package dev.tunesmith.cli;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/// Writes the files of one folder as a POSIX ustar stream, flat and in the given order. Sizes past
/// the octal field use the base-256 form that every reader knows.
final class TarFolder {
    private static final int BLOCK = 512;
    private static final long OCTAL_MAX = 0x1_FFFF_FFFFL;

    private TarFolder() {}

    static void write(List<Path> files, OutputStream out) throws IOException {
        for (Path file : files) {
            long size = Files.size(file);
            out.write(header(file.getFileName().toString(), size));
            try (InputStream in = Files.newInputStream(file)) {
                in.transferTo(out);
            }
            out.write(new byte[Math.toIntExact((BLOCK - size % BLOCK) % BLOCK)]);
        }
        out.write(new byte[2 * BLOCK]);
    }

    private static byte[] header(String name, long size) {
        byte[] block = new byte[BLOCK];
        put(block, 0, name);
        put(block, 100, "0000644\0");
        put(block, 108, "0000000\0");
        put(block, 116, "0000000\0");
        if (size <= OCTAL_MAX) {
            put(block, 124, "%011o ".formatted(size));
        } else {
            block[124] = (byte) 0x80;
            for (int i = 0; i < Long.BYTES; i++) {
                block[135 - i] = (byte) (size >>> (8 * i));
            }
        }
        put(block, 136, "00000000000 ");
        put(block, 148, "        ");
        block[156] = '0';
        put(block, 257, "ustar\00000");
        int sum = 0;
        for (byte b : block) {
            sum += b & 0xff;
        }
        put(block, 148, "%06o\0 ".formatted(sum));
        return block;
    }

    private static void put(byte[] block, int at, String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        System.arraycopy(bytes, 0, block, at, bytes.length);
    }
}
