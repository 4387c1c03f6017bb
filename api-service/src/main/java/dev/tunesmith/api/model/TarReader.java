package dev.tunesmith.api.model;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// Reads a tar stream (POSIX ustar with pax and GNU long names) file by file while it arrives.
///
/// Folders are skipped. Links, devices and whatever else is not a plain file are refused.
final class TarReader {
    private static final int BLOCK = 512;
    private static final int META_MAX = 64 * 1024;

    /// No file is larger; what claims to be is damaged.
    private static final long SIZE_MAX = 1L << 50;

    /// What of a pax header is of use here; others may be as many as a client likes.
    private static final Set<String> PAX_KEYS = Set.of("path", "size");

    private static final String SPARSE = "GNU.sparse.";

    private final InputStream tar;
    private @Nullable EntryStream current;
    private long padding;

    TarReader(InputStream tar) {
        this.tar = tar;
    }

    /// A plain file of the archive.
    ///
    /// @param name path as the archive says it, untrusted
    /// @param content exactly `bytes` bytes, to be read before the next entry is asked for
    record Entry(String name, long bytes, InputStream content) {}

    /// An archive that is none, is cut short, or holds what may not be imported.
    static final class DamagedException extends IOException {
        private static final long serialVersionUID = 1L;

        DamagedException(String message) {
            super(message);
        }
    }

    /// The next file, or empty at the end of the archive.
    Optional<Entry> next() throws IOException {
        skipRest();
        Map<String, String> pax = new LinkedHashMap<>();
        while (true) {
            byte[] header = tar.readNBytes(BLOCK);
            if (header.length < BLOCK) {
                throw new DamagedException("the tar stream ends inside a header");
            }
            if (isZero(header)) {
                return Optional.empty();
            }
            checkMark(header);
            checkSum(header);
            long size = size(header, pax);
            char type = (char) header[156];
            switch (type) {
                case '0', '\0', '7' -> {
                    String name = pax.getOrDefault("path", name(header));
                    current = new EntryStream(size);
                    padding = padding(size);
                    return Optional.of(new Entry(name, size, current));
                }
                case '5' -> skip(size + padding(size));
                case 'x' -> pax.putAll(paxRecords(meta(size)));
                case 'g' -> skip(size + padding(size));
                case 'L' -> pax.put("path", text(meta(size), 0, Math.toIntExact(size)));
                default ->
                        throw new DamagedException(
                                "'%s' is of tar type '%c'; only plain files may be imported"
                                        .formatted(name(header), type));
            }
        }
    }

    private void skipRest() throws IOException {
        if (current != null) {
            skip(current.left);
            current.left = 0;
            skip(padding);
            current = null;
            padding = 0;
        }
    }

    private void skip(long bytes) throws IOException {
        try {
            tar.skipNBytes(bytes);
        } catch (EOFException _) {
            throw new DamagedException(
                    "the tar stream ends inside an entry of %d bytes".formatted(bytes));
        }
    }

    private static long padding(long size) {
        return (BLOCK - size % BLOCK) % BLOCK;
    }

    private static long size(byte[] header, Map<String, String> pax) throws IOException {
        long size = pax.containsKey("size") ? paxSize(pax) : number(header, 124, 12);
        if (size < 0 || size > SIZE_MAX) {
            throw new DamagedException(
                    "'%s' claims %d bytes in the tar stream".formatted(name(header), size));
        }
        return size;
    }

    /// The content of a small entry that describes the next one.
    private byte[] meta(long size) throws IOException {
        if (size > META_MAX) {
            throw new DamagedException(
                    "a tar extension header of %d bytes is too long".formatted(size));
        }
        byte[] content = tar.readNBytes((int) size);
        if (content.length < size) {
            throw new DamagedException("the tar stream ends inside an extension header");
        }
        skip(padding(size));
        return content;
    }

    private static Map<String, String> paxRecords(byte[] content) throws IOException {
        var records = new LinkedHashMap<String, String>();
        int at = 0;
        while (at < content.length) {
            int blank = at;
            while (blank < content.length && content[blank] != ' ') {
                blank++;
            }
            int length = decimal(new String(content, at, blank - at, UTF_8));
            if (length <= blank - at + 1 || length > content.length - at) {
                throw new DamagedException("a pax record of the tar stream has a wrong length");
            }
            String record = new String(content, blank + 1, at + length - blank - 2, UTF_8);
            int equals = record.indexOf('=');
            String key = record.substring(0, Math.max(equals, 0));
            if (key.startsWith(SPARSE)) {
                throw new DamagedException("a file with holes (%s); write it whole".formatted(key));
            }
            if (PAX_KEYS.contains(key)) {
                records.put(key, record.substring(equals + 1));
            }
            at += length;
        }
        return records;
    }

    private static int decimal(String text) throws IOException {
        try {
            return Integer.parseInt(text);
        } catch (NumberFormatException _) {
            throw new DamagedException("'%s' in the tar stream is no number".formatted(text));
        }
    }

    private static long paxSize(Map<String, String> pax) throws IOException {
        try {
            return Long.parseLong(pax.getOrDefault("size", ""));
        } catch (NumberFormatException _) {
            throw new DamagedException("a pax size of the tar stream is no number");
        }
    }

    private static String name(byte[] header) {
        String prefix = text(header, 345, 155);
        String name = text(header, 0, 100);
        boolean ustar = text(header, 257, 5).equals("ustar") && header[262] == 0;
        return ustar && !prefix.isEmpty() ? prefix + "/" + name : name;
    }

    private static String text(byte[] bytes, int offset, int length) {
        int end = offset;
        while (end < offset + length && bytes[end] != 0) {
            end++;
        }
        return new String(bytes, offset, end - offset, UTF_8);
    }

    /// Octal digits, or a big-endian binary number when the first bit is set (GNU).
    private static long number(byte[] header, int offset, int length) throws IOException {
        if ((header[offset] & 0x80) != 0) {
            long value = header[offset] & 0x7f;
            for (int at = offset + 1; at < offset + length; at++) {
                if (value > Long.MAX_VALUE >> 8) {
                    throw new DamagedException("a size in the tar stream is too large");
                }
                value = (value << 8) | (header[at] & 0xff);
            }
            return value;
        }
        String digits = text(header, offset, length).strip();
        try {
            return digits.isEmpty() ? 0 : Long.parseLong(digits, 8);
        } catch (NumberFormatException _) {
            throw new DamagedException("'%s' in a tar header is no number".formatted(digits));
        }
    }

    private static void checkMark(byte[] header) throws IOException {
        boolean gzip = (header[0] & 0xff) == 0x1f && (header[1] & 0xff) == 0x8b;
        boolean zstd = (header[0] & 0xff) == 0x28 && (header[1] & 0xff) == 0xb5;
        if (gzip || zstd) {
            throw new DamagedException("the tar stream is compressed; send it as it is");
        }
    }

    private static void checkSum(byte[] header) throws IOException {
        long sum = 0;
        for (int at = 0; at < BLOCK; at++) {
            boolean inSum = at >= 148 && at < 156;
            sum += inSum ? ' ' : header[at] & 0xff;
        }
        if (sum != number(header, 148, 8)) {
            throw new DamagedException(
                    "this is no tar stream, or it is damaged: a header does not add up");
        }
    }

    private static boolean isZero(byte[] block) {
        for (byte b : block) {
            if (b != 0) {
                return false;
            }
        }
        return true;
    }

    /// The bytes of one file; an archive that ends too early is an error, never a short file.
    private final class EntryStream extends InputStream {
        private long left;

        private EntryStream(long bytes) {
            this.left = bytes;
        }

        @Override
        public int read() throws IOException {
            byte[] one = new byte[1];
            return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
        }

        @Override
        public int read(byte[] target, int offset, int length) throws IOException {
            if (left == 0) {
                return -1;
            }
            int read = tar.read(target, offset, (int) Math.min(length, left));
            if (read < 0) {
                throw new DamagedException(
                        "the tar stream ends %d bytes too early".formatted(left));
            }
            left -= read;
            return read;
        }
    }
}
