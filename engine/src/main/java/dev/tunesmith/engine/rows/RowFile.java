package dev.tunesmith.engine.rows;

import dev.tunesmith.contracts.dataset.FileKind;
import dev.tunesmith.contracts.mixture.Chunk;
import dev.tunesmith.contracts.mixture.Reading;
import io.airlift.compress.v3.MalformedInputException;
import io.airlift.compress.v3.zstd.ZstdInputStream;
import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.stream.Stream;
import java.util.zip.GZIPInputStream;
import java.util.zip.ZipException;

/// Opens a file of rows, whatever its kind.
public final class RowFile {

    /// How far a compressed file may grow.
    static final long DECOMPRESSED_BYTES_MAX = 1L << 40;

    /// Beyond this factor a compressed file is a bomb, not data.
    private static final long GROWTH_MAX = 300;

    private static final int HEAD_BYTES = 4096;
    private static final int BUFFER_BYTES = 1 << 16;

    private RowFile() {}

    /// The reader of a file.
    ///
    /// @throws RowFileException if it is missing, empty or of a kind that holds no rows
    public static RowReader open(Path file) throws IOException {
        return open(RowSource.of(file));
    }

    /// The same for a file that may be elsewhere.
    public static RowReader open(RowSource source) throws IOException {
        if (!source.exists()) {
            throw new RowFileException(source.name(), "the file does not exist");
        }
        return open(source, kind(source), Chunk.LINE);
    }

    /// The same, but blank lines of a text are documents too, as the `datasets` library has it.
    public static RowReader everyLine(Path file) throws IOException {
        return Files.isRegularFile(file) && kind(file) == FileKind.TEXT
                ? TextRows.everyLine(file, stream(RowSource.of(file)))
                : open(file);
    }

    /// The reader of a file whose kind is known.
    ///
    /// @param chunk where the documents of a text file end
    /// @throws RowFileException if it begins otherwise than such a file does
    public static RowReader open(RowSource source, FileKind kind, Chunk chunk) throws IOException {
        Path file = source.name();
        return switch (kind) {
            case JSON_LINES -> JsonRows.lines(file, stream(source));
            case JSON -> JsonRows.of(file, stream(source));
            case CSV -> new DelimitedRows(file, stream(source), ',');
            case TSV -> new DelimitedRows(file, stream(source), '\t');
            case TEXT -> new TextRows(file, stream(source), chunk);
            case PARQUET ->
                    isCompressed(source)
                            ? Unpacked.parquet(source)
                            : new ParquetRows(source.local());
            case ARROW -> new ArrowRows(file, stream(source));
        };
    }

    /// The reader of a file as it is asked to be read; what nobody said is recognised.
    public static RowReader open(RowSource source, Reading reading) throws IOException {
        FileKind named = reading.kind();
        return open(
                source,
                named == null ? kind(source) : named,
                Objects.requireNonNullElse(reading.chunk(), Chunk.LINE));
    }

    private static boolean isCompressed(RowSource source) throws IOException {
        try (InputStream raw = source.open()) {
            return FileKind.isCompressed(raw.readNBytes(4));
        }
    }

    /// The kind of a file: what its bytes say, or else its name.
    public static FileKind kind(Path file) throws IOException {
        return kind(RowSource.of(file));
    }

    /// The same for a file that may be elsewhere.
    public static FileKind kind(RowSource source) throws IOException {
        String name = source.name().getFileName().toString();
        return FileKind.of(head(source), plain(name))
                .orElseThrow(() ->
                        new RowFileException(
                                source.name(),
                                "neither its name nor its first bytes are those of %s"
                                        .formatted(
                                                Arrays.toString(FileKind.values())
                                                        .toLowerCase(Locale.ROOT))));
    }

    /// A name without the ending of a compressed file.
    public static String plain(String name) {
        return name.replaceFirst("(?i)\\.(gz|zst|zstd)$", "");
    }

    /// Whether a file begins as a text does: valid, and without control characters.
    public static boolean isText(RowSource source) throws IOException {
        byte[] head = head(source);
        int end = head.length;
        while (end > 0 && head[end - 1] < 0) {
            end--;
        }
        try {
            return end > 0
                    && StandardCharsets.UTF_8
                            .newDecoder()
                            .decode(ByteBuffer.wrap(head, 0, end))
                            .chars()
                            .noneMatch(c -> c < ' ' && c != '\n' && c != '\r' && c != '\t');
        } catch (CharacterCodingException _) {
            return false;
        }
    }

    private static byte[] head(RowSource source) throws IOException {
        try (InputStream stream = stream(source)) {
            return stream.readNBytes(HEAD_BYTES);
        }
    }

    /// The bytes of a file without its compression.
    static InputStream stream(RowSource source) throws IOException {
        Path file = source.name();
        InputStream raw = new BufferedInputStream(source.open(), BUFFER_BYTES);
        try {
            raw.mark(4);
            byte[] mark = raw.readNBytes(4);
            raw.reset();
            long most = Math.min(DECOMPRESSED_BYTES_MAX, source.bytes() * GROWTH_MAX + (1 << 20));
            if (mark.length >= 2 && (mark[0] & 0xFF) == 0x1F && (mark[1] & 0xFF) == 0x8B) {
                return Limited.of(file, new GZIPInputStream(raw, BUFFER_BYTES), most);
            }
            if (mark.length == 4 && (mark[0] & 0xFF) == 0x28 && (mark[1] & 0xFF) == 0xB5) {
                return Limited.of(file, new ZstdInputStream(raw), most);
            }
            return raw;
        } catch (EOFException | ZipException | MalformedInputException | ArithmeticException e) {
            raw.close();
            throw new RowFileException(file, "byte 0", "cannot be decompressed: " + e.getMessage());
        } catch (IOException | RuntimeException e) {
            raw.close();
            throw e;
        }
    }

    /// The files of a source: a file, or a folder with files of one kind.
    ///
    /// @throws RowFileException if it is missing or mixes kinds
    public static List<Path> files(Path source) throws IOException {
        if (!Files.isDirectory(source)) {
            return List.of(source);
        }
        List<Path> files = new ArrayList<>();
        try (Stream<Path> list = Files.list(source)) {
            list.filter(Files::isRegularFile).sorted().forEach(files::add);
        }
        if (files.isEmpty()) {
            throw new RowFileException(source, "the folder has no files");
        }
        FileKind first = kind(files.getFirst());
        for (Path file : files) {
            if (kind(file) != first) {
                throw new RowFileException(
                        source, "a folder holds files of one kind, this one has several");
            }
        }
        return files;
    }
}
