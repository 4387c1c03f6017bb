package dev.tunesmith.engine.io;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SafetensorsFileTest {

    @TempDir Path folder;
    private Path file = Path.of("");

    @BeforeEach
    void nameFile() {
        file = folder.resolve("x.safetensors");
    }

    @Test
    void readsWhatWasWritten() throws IOException {
        new SafetensorsWriter(Map.of("format", "pt"))
                .add("b", List.of(2L, 2L), new float[] {1, -2, 0.5f, 4})
                .add("a", StoredType.BF16, List.of(2L), bytes(0x80, 0x3f, 0x00, 0xc0))
                .add("flag", StoredType.BOOL, List.of(), bytes(1))
                .add(
                        "n",
                        StoredType.I64,
                        List.of(1L),
                        bytes(255, 255, 255, 255, 255, 255, 255, 255))
                .write(file);

        try (SafetensorsFile read = SafetensorsFile.open(file)) {
            assertThat(read.metadata()).isEqualTo(Map.of("format", "pt"));
            assertThat(read.tensors())
                    .extracting(StoredTensor::name)
                    .containsExactly("n", "b", "a", "flag");
            assertThat(read.tensor("b").shape()).containsExactly(2L, 2L);
            assertThat(read.floats("b")).containsExactly(1, -2, 0.5f, 4);
            assertThat(read.floats("a")).containsExactly(1, -2);
            assertThat(read.integers("flag")).containsExactly(1);
            assertThat(read.integers("n")).containsExactly(-1);
        }
    }

    @Test
    void sameTensorsGiveTheSameBytesInAnyOrder() throws IOException {
        Path other = folder.resolve("y.safetensors");
        new SafetensorsWriter(Map.of("a", "1", "b", "2"))
                .add("x", List.of(1L), new float[] {1})
                .add("y", List.of(1L), new float[] {2})
                .write(file);
        new SafetensorsWriter(Map.of("b", "2", "a", "1"))
                .add("y", List.of(1L), new float[] {2})
                .add("x", List.of(1L), new float[] {1})
                .write(other);

        assertThat(Files.readAllBytes(file)).isEqualTo(Files.readAllBytes(other));
    }

    @Test
    void writesByteForByteWhatTheReferenceWrites() throws IOException {
        String header =
                "{\"__metadata__\":{\"format\":\"pt\"},"
                        + "\"w\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},"
                        + "\"é\\n\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[4,6]}}";
        new SafetensorsWriter(Map.of("format", "pt"))
                .add("é\n", StoredType.U8, List.of(2L), bytes(7, 8))
                .add("w", List.of(1L), new float[] {1})
                .write(file);

        byte[] text = header.getBytes(StandardCharsets.UTF_8);
        int padded = (text.length + 7) / 8 * 8;
        byte[] expected = new byte[8 + padded + 6];
        Arrays.fill(expected, (byte) ' ');
        ByteBuffer.wrap(expected)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(padded)
                .put(text)
                .position(8 + padded)
                .putFloat(1)
                .put((byte) 7)
                .put((byte) 8);
        assertThat(Files.readAllBytes(file)).isEqualTo(expected);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "[]|does not start with '{'",
                "{\"a\":1}|a: expected START_OBJECT",
                "{\"a\":{\"dtype\":\"F32\",\"shape\":[1]}}|dtype, shape and data_offsets are needed",
                "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4],\"x\":1}}|unknown key x",
                "{\"a\":{\"dtype\":\"F4\",\"shape\":[1],\"data_offsets\":[0,4]}}|type F4 is not supported",
                "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,4]}}|needs 8 bytes, its offsets give 4",
                "{\"a\":{\"dtype\":\"F32\",\"shape\":[-1],\"data_offsets\":[0,4]}}|-1 is negative",
                "{\"a\":{\"dtype\":\"F32\",\"shape\":[1.5],\"data_offsets\":[0,4]}}|expected VALUE_NUMBER_INT",
                "{\"a\":{\"dtype\":\"F32\",\"shape\":[4611686018427387904,4],\"data_offsets\":[0,4]}}|overflows",
                "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}|the file ends inside tensor a",
                "{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[3,4]}}|leaves a hole before it",
                "{\"a\":{\"dtype\":\"U8\",\"shape\":[3],\"data_offsets\":[0,3]}}|1 bytes after the last tensor",
                "{\"a\":{\"dtype\":\"U8\",\"shape\":[3],\"data_offsets\":[0,3]},\"b\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[2,4]}}|overlaps",
                "{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]},\"a\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[4,4]}}|Duplicate",
                "{\"__metadata__\":{\"a\":1},\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]}}|__metadata__.a: expected VALUE_STRING",
                "{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]}} x|text after the end",
                "{\"a\":{\"dtype\":\"U8\",\"shape\":[4|not the JSON expected",
                "{\"a\":{\"dtype\":\"U8\",\"shape\":[999999999999999999999999]}}|not the JSON expected",
            })
    void refusesAMalformedHeaderWithFileAndOffset(String header, String reason) throws IOException {
        writeRaw(header.getBytes(StandardCharsets.UTF_8), 4);

        assertThatExceptionOfType(ModelFileException.class)
                .isThrownBy(() -> SafetensorsFile.open(file))
                .withMessageStartingWith("x.safetensors, byte ")
                .withMessageContaining(reason)
                .satisfies(e -> assertThat(e.offset()).isNotNegative());
    }

    @Test
    void refusesAFileThatIsCutAnywhere() throws IOException {
        new SafetensorsWriter(Map.of()).add("a", List.of(3L), new float[3]).write(file);
        byte[] whole = Files.readAllBytes(file);

        for (int length = 0; length < whole.length; length++) {
            Files.write(file, Arrays.copyOf(whole, length));
            assertThatExceptionOfType(ModelFileException.class)
                    .as("cut to %d bytes", length)
                    .isThrownBy(() -> SafetensorsFile.open(file));
        }
    }

    @Test
    void refusesTextThatIsNotUtf8() throws IOException {
        writeRaw(new byte[] {'{', '"', (byte) 0xC0, (byte) 0x80, '"', ':', '1', '}'}, 0);

        assertThatExceptionOfType(ModelFileException.class)
                .isThrownBy(() -> SafetensorsFile.open(file))
                .withMessage("x.safetensors, byte 10: the header is not valid UTF-8");
    }

    @Test
    void refusesAHeaderBeyondTheLimit() throws IOException {
        Files.write(
                file,
                ByteBuffer.allocate(8)
                        .order(ByteOrder.LITTLE_ENDIAN)
                        .putLong(0, (16 << 20) + 1)
                        .array());

        assertThatExceptionOfType(ModelFileException.class)
                .isThrownBy(() -> SafetensorsFile.open(file))
                .withMessageContaining("header length 16777217 exceeds the limit of 16777216");
    }

    @Test
    void namesWhatIsWrongWithAFoundTensor() throws IOException {
        new SafetensorsWriter(Map.of()).add("a", List.of(1L), new float[1]).write(file);

        try (SafetensorsFile read = SafetensorsFile.open(file)) {
            assertThatExceptionOfType(ModelFileException.class)
                    .isThrownBy(() -> read.integers("a"))
                    .withMessageContaining("tensor a is F32, not integers");
            assertThatExceptionOfType(ModelFileException.class)
                    .isThrownBy(() -> read.floats("b"))
                    .withMessageContaining("no tensor named b");
        }
    }

    @Test
    void writerRefusesWrongSizesAndDoubleNames() {
        SafetensorsWriter writer = new SafetensorsWriter(Map.of());
        writer.add("a", List.of(1L), new float[1]);

        assertThatIllegalArgumentException()
                .isThrownBy(() -> writer.add("a", List.of(1L), new float[1]));
        assertThatIllegalArgumentException()
                .isThrownBy(() -> writer.add("b", List.of(2L), new float[1]));
    }

    private void writeRaw(byte[] header, int dataBytes) throws IOException {
        ByteBuffer raw =
                ByteBuffer.allocate(8 + header.length + dataBytes).order(ByteOrder.LITTLE_ENDIAN);
        Files.write(file, raw.putLong(header.length).put(header).array());
    }

    private static MemorySegment bytes(int... values) {
        byte[] bytes = new byte[values.length];
        for (int i = 0; i < values.length; i++) {
            bytes[i] = (byte) values[i];
        }
        return MemorySegment.ofArray(bytes)
                .asSlice(0, bytes.length * ValueLayout.JAVA_BYTE.byteSize());
    }
}
