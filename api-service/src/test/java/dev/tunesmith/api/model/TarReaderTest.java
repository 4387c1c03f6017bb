package dev.tunesmith.api.model;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import com.sun.management.ThreadMXBean;
import dev.tunesmith.api.model.TarReader.DamagedException;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Archives of strangers: read, or refused with an error of its own, in little memory.
final class TarReaderTest {
    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    private static final String ZERO = "00000000000";

    private static List<String> names(byte[] tar) throws IOException {
        List<String> names = new ArrayList<>();
        var reader = new TarReader(new ByteArrayInputStream(tar));
        for (Optional<TarReader.Entry> entry = reader.next();
                entry.isPresent();
                entry = reader.next()) {
            names.add(entry.get().name());
            byte[] _ = entry.get().content().readNBytes(1000);
        }
        return names;
    }

    private static void assertRefused(byte[] tar, String reason) {
        assertThatExceptionOfType(DamagedException.class)
                .isThrownBy(() -> names(tar))
                .withMessageContaining(reason);
    }

    private static byte[] joined(byte[]... parts) {
        var out = new ByteArrayOutputStream();
        for (byte[] part : parts) {
            out.writeBytes(part);
        }
        return out.toByteArray();
    }

    private static byte[] pax(String records) {
        byte[] content = records.getBytes(UTF_8);
        return Tar.entry("pax", 'x', "%011o".formatted(content.length), content);
    }

    /// Kills: handing on a negative size, for which a stream fails with a fault of the JDK.
    @ParameterizedTest
    @CsvSource({"0", "L", "x", "g", "5", "7"})
    void aNegativeOrImpossibleSizeIsRefused(char type) {
        byte[] content = new byte[512];
        assertRefused(Tar.entry("a", type, "-0000000005", content), "claims -5 bytes");
        assertRefused(Tar.entry("a", type, "\u00ff".repeat(12), content), "too large");
        assertRefused(
                Tar.entry("a", type, "\u0080\0\0\0\u007f" + "\u00ff".repeat(7), content),
                "claims 9223372036854775807 bytes");
        assertRefused(Tar.entry("a", type, "12x", content), "no number");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '~',
            value = {
                "11 size=-5~claims -5 bytes",
                "27 size=999999999999999999~claims 999999999999999999 bytes",
                "28 size=9999999999999999999~no number",
                "10 size=x~no number",
                "2147483647 path=a~wrong length",
                "-1 path=a~wrong length",
                "9999999999 path=a~no number",
                "22 GNU.sparse.major=1~holes",
                "x~no number",
            })
    void aWrongPaxRecordIsRefused(String record, String reason) {
        byte[] file = Tar.entry("a", '0', ZERO, new byte[0]);
        assertRefused(joined(pax(record + "\n"), file), reason);
        assertRefused(joined(pax("9 path=b\n" + record + "\n"), file), reason);
    }

    /// Kills: a header that describes the next entry taken as long as it says.
    @Test
    void aClaimOf10GigabytesIsNotBelieved() {
        byte[] some = new byte[512];
        assertRefused(Tar.entry("a", 'x', "120000000000", some), "too long");
        assertRefused(Tar.entry("a", 'L', "120000000000", some), "too long");
        assertRefused(Tar.entry("a", '0', "120000000000", some), "the tar stream ends");
        assertRefused(Tar.entry("a", '5', "120000000000", some), "the tar stream ends");
        byte[] ten = pax("20 size=10737418240\n");
        assertRefused(joined(ten, Tar.entry("a", '0', ZERO, some)), "the tar stream ends 10737");
    }

    @ParameterizedTest
    @CsvSource({"1", "2", "3", "4", "6", "S", "K", "D", "V"})
    void onlyFilesAndFoldersAreTaken(char type) {
        assertRefused(Tar.entry("a", type, ZERO, new byte[0]), "of tar type '" + type);
    }

    @Test
    void aCompressedArchiveIsSaidToBeOne() throws IOException {
        var packed = new ByteArrayOutputStream();
        try (var gzip = new GZIPOutputStream(packed)) {
            gzip.write(new byte[64 << 20]);
        }
        assertRefused(packed.toByteArray(), "compressed");
    }

    /// Kills: keeping every record of every pax header until a file comes.
    @Test
    void headersWithoutEndTakeNoMemory() throws IOException {
        var tar = new ByteArrayOutputStream();
        for (int i = 0; i < 2000; i++) {
            tar.writeBytes(pax("30010 k%04d=%s\n".formatted(i, "v".repeat(29_997))));
        }
        tar.writeBytes(Tar.entry("a", '0', ZERO, new byte[0]));
        tar.writeBytes(new byte[1024]);
        byte[] bytes = tar.toByteArray();
        System.gc();
        Runtime runtime = Runtime.getRuntime();
        long before = runtime.totalMemory() - runtime.freeMemory();
        var reader = new TarReader(new ByteArrayInputStream(bytes));
        TarReader.Entry entry = reader.next().orElseThrow();
        assertThat(entry.name()).isEqualTo("a");
        System.gc();
        assertThat(runtime.totalMemory() - runtime.freeMemory() - before).isLessThan(16 << 20);
    }

    @Test
    void aNameIsTheOneOfItsLastHeader() throws IOException {
        byte[] file = Tar.entry("short", '0', ZERO, new byte[0]);
        byte[] name = "long/\0rest".getBytes(UTF_8);
        byte[] gnu = Tar.entry("././@LongLink", 'L', "%011o".formatted(name.length), name);
        assertThat(names(joined(pax("11 path=/x\n"), file, gnu, file, file, new byte[1024])))
                .containsExactly("/x", "long/", "short");
    }

    /// Kills: any fault that is not an error of the archive, and a claimed length as an array.
    @Test
    void noMutationIsAnythingButReadOrRefused() throws IOException {
        byte[] whole =
                joined(
                        pax("20 path=config.json\n"),
                        Tar.entry("x", '0', "00000000003", new byte[] {1, 2, 3}),
                        new Tar().with("model.safetensors", new byte[700]).bytes());
        Random random = new Random(7);
        int refused = 0;
        long allocated = THREADS.getCurrentThreadAllocatedBytes();
        for (int round = 0; round < 20_000; round++) {
            byte[] bytes =
                    random.nextInt(4) == 0
                            ? Arrays.copyOf(whole, random.nextInt(whole.length))
                            : whole.clone();
            for (int change = random.nextInt(1, 4); change > 0 && bytes.length > 0; change--) {
                int at = random.nextInt(bytes.length);
                bytes[at] = (byte) "-0123456789 =\0xLK\u00ff\u0080".charAt(random.nextInt(19));
                int block = at / 512 * 512;
                if (random.nextBoolean() && block + 512 <= bytes.length) {
                    addUp(bytes, block);
                }
            }
            try {
                names(bytes);
            } catch (DamagedException e) {
                assertThat(e.getMessage()).isNotBlank();
                refused++;
            }
        }
        assertThat(refused).isPositive();
        assertThat(THREADS.getCurrentThreadAllocatedBytes() - allocated).isLessThan(1L << 30);
    }

    /// Makes a changed header one that adds up.
    private static void addUp(byte[] tar, int block) {
        Arrays.fill(tar, block + 148, block + 156, (byte) ' ');
        int sum = 0;
        for (int at = block; at < block + 512; at++) {
            sum += tar[at] & 0xff;
        }
        byte[] octal = "%06o\0 ".formatted(sum).getBytes(UTF_8);
        System.arraycopy(octal, 0, tar, block + 148, octal.length);
    }
}
