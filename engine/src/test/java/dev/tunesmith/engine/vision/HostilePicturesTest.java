package dev.tunesmith.engine.vision;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIOException;

import com.sun.management.ThreadMXBean;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.CRC32;
import java.util.zip.Deflater;
import javax.imageio.IIOImage;
import javax.imageio.ImageIO;
import javax.imageio.ImageWriteParam;
import javax.imageio.ImageWriter;
import javax.imageio.stream.ImageOutputStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Pictures in rows of strangers: read, or refused by name before memory or time are spent on them.
final class HostilePicturesTest {
    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    private static final PictureReader READER = new PictureReader(7, 1, 1, 28);

    private static void read(String url) throws IOException {
        READER.read(PictureUrl.bytes(url));
    }

    private static void assertRefused(String url, String reason) {
        long allocated = THREADS.getCurrentThreadAllocatedBytes();
        long cpu = THREADS.getCurrentThreadCpuTime();
        assertThatIOException()
                .isThrownBy(() -> read(url))
                .withMessageContaining(reason)
                .satisfies(e -> assertThat(e.getMessage()).hasSizeLessThan(500));
        assertThat(THREADS.getCurrentThreadAllocatedBytes() - allocated).isLessThan(128 << 20);
        assertThat(THREADS.getCurrentThreadCpuTime() - cpu).isLessThan(2_000_000_000L);
    }

    private static String url(String kind, byte[] picture) {
        return "data:image/%s;base64,%s"
                .formatted(kind, Base64.getEncoder().encodeToString(picture));
    }

    private static byte[] picture(String format, int side) throws IOException {
        var out = new ByteArrayOutputStream();
        ImageIO.write(new BufferedImage(side, side, BufferedImage.TYPE_INT_RGB), format, out);
        return out.toByteArray();
    }

    private static byte[] progressive(int side) throws IOException {
        var out = new ByteArrayOutputStream();
        ImageWriter writer = ImageIO.getImageWritersByFormatName("jpeg").next();
        try (ImageOutputStream stream = ImageIO.createImageOutputStream(out)) {
            writer.setOutput(stream);
            ImageWriteParam how = writer.getDefaultWriteParam();
            how.setProgressiveMode(ImageWriteParam.MODE_DEFAULT);
            var image = new BufferedImage(side, side, BufferedImage.TYPE_INT_RGB);
            writer.write(null, new IIOImage(image, null, null), how);
        } finally {
            writer.dispose();
        }
        return out.toByteArray();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '~',
            value = {
                "https://example.org/a.png~must be a data address",
                "file:///etc/passwd~must be a data address",
                "data:text/html;base64,AAAA~must be a data address",
                "data:image/png,AAAA~must be a data address",
                "DATA:IMAGE/PNG;BASE64,AAAA~must be a data address",
                "data:image/png;base64,~neither PNG nor JPEG",
                "data:image/png;base64,AAA~neither PNG nor JPEG",
                "data:image/png;base64,A~not in Base64",
                "data:image/png;base64,iVBORw0KGgo=A~not in Base64",
                "data:image/png;base64,iVBO Rw0K~not in Base64",
                "data:image/svg+xml;base64,PHN2Zz48L3N2Zz4=~neither PNG nor JPEG",
            })
    void whatIsNoPictureIsRefused(String url, String reason) {
        assertRefused(url, reason);
    }

    @Test
    void anAddressHasBounds() {
        assertRefused("data:image/png;base64," + "A".repeat(30 << 20), "at most 20 MiB");
        assertRefused("data:image/png;base64,\ud800\0\udc00", "not in Base64");
        assertRefused("data:image/" + "x".repeat(1 << 20), "must be a data address");
    }

    /// What a picture is called does not matter: its bytes say what it is.
    @Test
    void aWrongKindIsNoFault() throws IOException {
        read(url("png", picture("jpg", 40)));
        read(url("jpeg", picture("png", 40)));
        read(url("x-nothing", picture("png", 40)));
    }

    @ParameterizedTest
    @ValueSource(strings = {"png", "jpg"})
    void aPictureThatEndsTooEarlyIsReadOrRefused(String format) throws IOException {
        byte[] whole = picture(format, 40);
        for (int length = 0; length < whole.length; length += 7) {
            try {
                READER.read(Arrays.copyOf(whole, length));
            } catch (IOException e) {
                assertThat(e.getMessage()).isNotBlank();
            }
        }
    }

    /// Kills: decoding before the claimed sides are looked at.
    @Test
    void aJpegThatClaimsGigabytesIsRefusedByItsHeader() throws IOException {
        for (byte[] whole : List.of(picture("jpg", 40), progressive(40))) {
            int frame = 0;
            while ((whole[frame] & 0xFF) != 0xFF
                    || ((whole[frame + 1] & 0xFF) != 0xC0 && (whole[frame + 1] & 0xFF) != 0xC2)) {
                frame++;
            }
            Arrays.fill(whole, frame + 5, frame + 9, (byte) 0xF0);
            assertRefused(url("jpeg", whole), "61680 x 61680");
        }
    }

    /// Kills: decoding every scan of a progressive picture. Each one is a pass over all pixels, and
    /// ten bytes long.
    @Test
    void scansWithoutEndAreRefused() throws IOException {
        byte[] whole = progressive(1000);
        int from = whole.length - 2;
        while ((whole[from] & 0xFF) != 0xFF || (whole[from + 1] & 0xFF) != 0xDA) {
            from--;
        }
        byte[] last = Arrays.copyOfRange(whole, from, whole.length - 2);
        var bomb = new ByteArrayOutputStream();
        bomb.write(whole, 0, whole.length - 2);
        for (int i = 0; i < 200; i++) {
            bomb.writeBytes(last);
        }
        bomb.write(whole, whole.length - 2, 2);
        assertRefused(url("jpeg", bomb.toByteArray()), "scans");
        read(url("jpeg", progressive(300)));
    }

    /// A picture with a palette, of which a decoder reads more than of others.
    private static byte[] paletted(int side) throws IOException {
        var out = new ByteArrayOutputStream();
        var image = new BufferedImage(side, side, BufferedImage.TYPE_BYTE_INDEXED);
        for (int i = 0; i < side; i++) {
            image.setRGB(i, i, 0xFF3366);
        }
        ImageIO.write(image, "png", out);
        return out.toByteArray();
    }

    private static byte[] chunk(String type, byte[] data) {
        ByteBuffer chunk = ByteBuffer.allocate(12 + data.length);
        chunk.putInt(data.length).put(type.getBytes(StandardCharsets.ISO_8859_1)).put(data);
        var sum = new CRC32();
        sum.update(chunk.array(), 4, 4 + data.length);
        return chunk.putInt((int) sum.getValue()).array();
    }

    /// Zeros, packed a thousand to one.
    private static byte[] packed(String before, int bytes) {
        var out = new ByteArrayOutputStream();
        out.writeBytes(before.getBytes(StandardCharsets.ISO_8859_1));
        var deflater = new Deflater();
        byte[] zeros = new byte[1 << 20];
        byte[] part = new byte[1 << 16];
        for (int done = 0; done < bytes; done += zeros.length) {
            deflater.setInput(zeros);
            while (!deflater.needsInput()) {
                out.write(part, 0, deflater.deflate(part));
            }
        }
        deflater.finish();
        while (!deflater.finished()) {
            out.write(part, 0, deflater.deflate(part));
        }
        deflater.end();
        return out.toByteArray();
    }

    private static byte[] with(byte[] png, byte[] chunk) {
        int header = 8 + 12 + 13;
        return ByteBuffer.allocate(png.length + chunk.length)
                .put(png, 0, header)
                .put(chunk)
                .put(png, header, png.length - header)
                .array();
    }

    /// Kills: reading what a picture says about itself, which the decoder is told not to. Each of
    /// these notes is 256 MiB in 256 KiB.
    @ParameterizedTest
    @CsvSource({"zTXt, k00", "iTXt, k01000", "iCCP, k00", "tEXt, k0", "teRs, 0"})
    void notesThatHoldMuchAreNotUnpacked(String type, String before) throws IOException {
        byte[] plain = paletted(64);
        byte[] bomb = chunk(type, packed(before.replace("0", "\0").replace("1", "\1"), 256 << 20));
        READER.read(plain);
        for (byte[] png : List.of(with(plain, bomb), with(picture("png", 64), bomb))) {
            long allocated = THREADS.getCurrentThreadAllocatedBytes();
            long cpu = THREADS.getCurrentThreadCpuTime();
            READER.read(png);
            assertThat(THREADS.getCurrentThreadAllocatedBytes() - allocated).isLessThan(16 << 20);
            assertThat(THREADS.getCurrentThreadCpuTime() - cpu).isLessThan(1_000_000_000L);
        }
        assertThat(READER.read(with(plain, bomb)).values())
                .as("pixels do not depend on notes")
                .isEqualTo(READER.read(plain).values());
    }

    /// Kills: keeping more of such segments than some copies of the file, of 16 MiB here.
    @ParameterizedTest
    @ValueSource(ints = {0xE1, 0xE2, 0xED, 0xFE})
    void segmentsThatSaySomethingOfAJpegCostLittle(int mark) throws IOException {
        byte[] plain = picture("jpg", 64);
        byte[] segment = new byte[2 + 0xFFFF];
        segment[0] = (byte) 0xFF;
        segment[1] = (byte) mark;
        segment[2] = (byte) 0xFF;
        segment[3] = (byte) 0xFF;
        byte[] name = "ICC_PROFILE\0\1\372".getBytes(StandardCharsets.ISO_8859_1);
        System.arraycopy(name, 0, segment, 4, name.length);
        var out = new ByteArrayOutputStream();
        out.write(plain, 0, 2);
        for (int i = 0; i < 250; i++) {
            segment[4 + 12] = (byte) (i + 1);
            out.writeBytes(segment);
        }
        out.write(plain, 2, plain.length - 2);
        byte[] long16 = out.toByteArray();
        long allocated = THREADS.getCurrentThreadAllocatedBytes();
        long cpu = THREADS.getCurrentThreadCpuTime();
        assertThat(READER.read(long16).values()).isEqualTo(READER.read(plain).values());
        assertThat(THREADS.getCurrentThreadAllocatedBytes() - allocated).isLessThan(128 << 20);
        assertThat(THREADS.getCurrentThreadCpuTime() - cpu).isLessThan(1_000_000_000L);
    }

    @Test
    void aPartMayBeOfAnyShape() {
        Map<String, @Nullable Object> none = new HashMap<>();
        none.put("image_url", null);
        for (Object part :
                List.of(
                        none,
                        Map.of("image_url", 7),
                        Map.of("image_url", List.of()),
                        Map.of("image_url", Map.of("url", Map.of())),
                        Map.of("image", "\0"))) {
            assertRefused(PictureUrl.of(part), "must be a data address");
        }
    }
}
