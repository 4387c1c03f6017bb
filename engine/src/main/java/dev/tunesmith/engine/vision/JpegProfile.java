package dev.tunesmith.engine.vision;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/// Takes colour profiles out of JPEG files.
///
/// Models were trained on numbers as the file has them, which is what Pillow reads; the decoder of
/// the JDK would turn them into other ones, or fail where a profile is damaged.
final class JpegProfile {
    private static final byte[] NAME = "ICC_PROFILE\0".getBytes(StandardCharsets.US_ASCII);
    private static final int MARK = 0xFF;
    private static final int START = 0xD8;
    private static final int SCAN = 0xDA;
    private static final int APPLICATION_2 = 0xE2;

    /// Mark, kind and length of a segment.
    private static final int HEAD = 4;

    private JpegProfile() {}

    /// The file without its profile; the same file where it is no JPEG or has none.
    static byte[] without(byte[] file) {
        if (file.length < 2 || at(file, 0) != MARK || at(file, 1) != START) {
            return file;
        }
        var kept = new ByteArrayOutputStream(file.length);
        int copied = 0;
        int segment = 2;
        while (segment + HEAD <= file.length
                && at(file, segment) == MARK
                && at(file, segment + 1) != SCAN) {
            int end = segment + 2 + (at(file, segment + 2) << 8 | at(file, segment + 3));
            if (at(file, segment + 1) == MARK) { // marks may be repeated
                end = segment + 1;
            } else if (isProfile(file, segment, end)) {
                kept.write(file, copied, segment - copied);
                copied = Math.min(end, file.length);
            }
            segment = end;
        }
        if (copied == 0) {
            return file;
        }
        kept.write(file, copied, file.length - copied);
        return kept.toByteArray();
    }

    private static boolean isProfile(byte[] file, int segment, int end) {
        int name = segment + HEAD;
        return at(file, segment + 1) == APPLICATION_2
                && name + NAME.length <= Math.min(end, file.length)
                && Arrays.equals(file, name, name + NAME.length, NAME, 0, NAME.length);
    }

    private static int at(byte[] file, int index) {
        return file[index] & 0xFF;
    }
}
