package dev.tunesmith.engine.data;

import dev.tunesmith.contracts.twin.RowPrint;
import dev.tunesmith.engine.data.Pictures.Grid;
import dev.tunesmith.engine.io.ModelFileException;
import dev.tunesmith.engine.io.SafetensorsFile;
import dev.tunesmith.engine.io.SafetensorsWriter;
import dev.tunesmith.engine.io.StoredType;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/// Tokenised rows in a file that is mapped, not read.
///
/// The file is a safetensors file: `ids` (I32, one for each token), `weights` (F32, likewise) and
/// `borders` (I64: first token of each document, and the number of tokens at the end), `values`
/// (F32, one for each document). Where documents have pictures there are also `patches` (F32, one
/// row a patch) and `grids` (I64: document, frames, rows and columns of each picture). A row is one
/// document, or several side by side; of each row there are `lengths` (I32, tokens before it was
/// cut), `keys` (F32, what the rows may be ordered by), `prints` (I64, two fingerprints of its
/// text) and `lines` (I64, where it stands in its file). The metadata say how it was made; the same
/// rows and options give the same bytes.
public final class TokenShard implements PackedRows.Documents, AutoCloseable {

    /// The format that this code reads and writes.
    public static final String FORMAT_VERSION = "3";

    private static final String KIND = "tunesmith-tokens";
    private static final String IDS = "ids";
    private static final String WEIGHTS = "weights";
    private static final String BORDERS = "borders";
    private static final String VALUES = "values";
    private static final String PATCHES = "patches";
    private static final String GRIDS = "grids";
    private static final int GRID_NUMBERS = 4;
    private static final String LENGTHS = "lengths";
    private static final String KEYS = "keys";
    private static final String PRINTS = "prints";
    private static final String LINES = "lines";

    private static final ValueLayout.OfInt INT =
            ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfFloat FLOAT =
            ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfLong LONG =
            ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final int BUFFER_BYTES = 1 << 16;

    private final SafetensorsFile file;
    private final long[] borders;
    private final Map<Integer, Seen> seen;

    /// Pictures of a document.
    ///
    /// @param from first patch
    private record Seen(long from, List<Grid> grids) {}

    private TokenShard(SafetensorsFile file, long[] borders) {
        this.file = file;
        this.borders = borders;
        this.seen = file.find(GRIDS).isEmpty() ? Map.of() : seen(file.integers(GRIDS));
    }

    private static Map<Integer, Seen> seen(long[] numbers) {
        Map<Integer, Seen> seen = new HashMap<>();
        long patch = 0;
        for (int i = 0; i < numbers.length; i += GRID_NUMBERS) {
            long from = patch;
            Grid grid = new Grid((int) numbers[i + 1], (int) numbers[i + 2], (int) numbers[i + 3]);
            seen.computeIfAbsent((int) numbers[i], _ -> new Seen(from, new ArrayList<>()))
                    .grids
                    .add(grid);
            patch += grid.patches();
        }
        return seen;
    }

    /// Writes samples to `path`, which must not exist, each as a row of its own. `origin` tells how
    /// they were made.
    public static void write(Path path, List<Sample> samples, Map<String, String> origin)
            throws IOException {
        try (Writer writer = new Writer(path)) {
            for (Sample sample : samples) {
                long print = sample.fingerprint();
                writer.add(
                        List.of(sample),
                        new Row(0, sample.length(), 0, new RowPrint(print, print)));
            }
            writer.finish(origin);
        }
    }

    /// What is known of a row beside its tokens.
    ///
    /// @param line where it stands in its file
    /// @param fullLength tokens before it was cut
    /// @param key what rows may be ordered by
    /// @param print of its text
    public record Row(long line, int fullLength, float key, RowPrint print) {}

    /// Writes a shard row by row; what it holds in memory is some bytes a row. Tokens wait in files
    /// beside it.
    public static final class Writer implements AutoCloseable {
        private final Path path;
        private final Column ids;
        private final Column weights;
        private final Column borders;
        private final Column values;
        private final Column lengths;
        private final Column keys;
        private final Column prints;
        private final Column lines;
        private final Column patches;
        private final Column grids;
        private long pictures;
        private long numbers;
        private long width = 1;
        private long tokens;
        private long documents;
        private long rows;

        /// @param path does not exist yet
        public Writer(Path path) throws IOException {
            this.path = path;
            this.ids = new Column(path, IDS);
            this.weights = new Column(path, WEIGHTS);
            this.borders = new Column(path, BORDERS);
            this.values = new Column(path, VALUES);
            this.lengths = new Column(path, LENGTHS);
            this.keys = new Column(path, KEYS);
            this.prints = new Column(path, PRINTS);
            this.lines = new Column(path, LINES);
            this.patches = new Column(path, PATCHES);
            this.grids = new Column(path, GRIDS);
            borders.put(0L);
        }

        /// Adds a row.
        public void add(List<Sample> documentsOfRow, Row row) throws IOException {
            for (Sample sample : documentsOfRow) {
                for (int i = 0; i < sample.length(); i++) {
                    ids.put(sample.ids()[i]);
                    weights.put(Float.floatToRawIntBits(sample.weights()[i]));
                }
                tokens += sample.length();
                borders.put(tokens);
                values.put(Float.floatToRawIntBits(sample.value()));
                add(sample.pictures());
                documents++;
            }
            lengths.put(row.fullLength());
            keys.put(Float.floatToRawIntBits(row.key()));
            prints.put(row.print().exact());
            prints.put(row.print().normalised());
            lines.put(row.line());
            rows++;
        }

        /// Adds the pictures of the next document.
        private void add(Pictures seen) throws IOException {
            for (Grid grid : seen.grids()) {
                grids.put(documents);
                grids.put((long) grid.frames());
                grids.put((long) grid.rows());
                grids.put((long) grid.columns());
                pictures++;
                width = seen.width();
            }
            for (float value : seen.values()) {
                patches.put(Float.floatToRawIntBits(value));
            }
            numbers += seen.values().length;
        }

        /// Writes the file. `origin` tells how the rows were made.
        public void finish(Map<String, String> origin) throws IOException {
            Map<String, String> metadata = new TreeMap<>(origin);
            metadata.put("kind", KIND);
            metadata.put("format_version", FORMAT_VERSION);
            SafetensorsWriter writer = new SafetensorsWriter(metadata);
            try (Arena arena = Arena.ofConfined()) {
                if (pictures > 0) {
                    List<Long> shape = List.of(numbers / width, width);
                    writer.add(PATCHES, StoredType.F32, shape, patches.map(arena))
                            .add(
                                    GRIDS,
                                    StoredType.I64,
                                    List.of(pictures, (long) GRID_NUMBERS),
                                    grids.map(arena));
                }
                writer.add(IDS, StoredType.I32, List.of(tokens), ids.map(arena))
                        .add(WEIGHTS, StoredType.F32, List.of(tokens), weights.map(arena))
                        .add(BORDERS, StoredType.I64, List.of(documents + 1), borders.map(arena))
                        .add(VALUES, StoredType.F32, List.of(documents), values.map(arena))
                        .add(LENGTHS, StoredType.I32, List.of(rows), lengths.map(arena))
                        .add(KEYS, StoredType.F32, List.of(rows), keys.map(arena))
                        .add(PRINTS, StoredType.I64, List.of(rows, 2L), prints.map(arena))
                        .add(LINES, StoredType.I64, List.of(rows), lines.map(arena))
                        .write(path);
            }
        }

        @Override
        public void close() throws IOException {
            for (Column column :
                    List.of(
                            ids, weights, borders, values, lengths, keys, prints, lines, patches,
                            grids)) {
                column.close();
            }
        }
    }

    /// The numbers of one tensor, in a file until they are all there.
    private static final class Column {
        private final FileChannel channel;
        private final ByteBuffer buffer =
                ByteBuffer.allocate(BUFFER_BYTES).order(ByteOrder.LITTLE_ENDIAN);

        Column(Path shard, String name) throws IOException {
            this.channel =
                    FileChannel.open(
                            shard.resolveSibling(shard.getFileName() + "." + name),
                            StandardOpenOption.CREATE_NEW,
                            StandardOpenOption.READ,
                            StandardOpenOption.WRITE,
                            StandardOpenOption.DELETE_ON_CLOSE);
        }

        void put(int value) throws IOException {
            if (buffer.remaining() < Integer.BYTES) {
                flush();
            }
            buffer.putInt(value);
        }

        void put(long value) throws IOException {
            if (buffer.remaining() < Long.BYTES) {
                flush();
            }
            buffer.putLong(value);
        }

        private void flush() throws IOException {
            buffer.flip();
            while (buffer.hasRemaining()) {
                int _ = channel.write(buffer);
            }
            buffer.clear();
        }

        MemorySegment map(Arena arena) throws IOException {
            flush();
            long size = channel.size();
            return size == 0
                    ? MemorySegment.ofArray(new byte[0])
                    : channel.map(FileChannel.MapMode.READ_ONLY, 0, size, arena);
        }

        void close() throws IOException {
            channel.close();
        }
    }

    /// Opens and checks a shard.
    ///
    /// @throws ModelFileException if the file is missing, damaged or of another kind
    public static TokenShard open(Path path) {
        SafetensorsFile file = SafetensorsFile.open(path);
        try {
            Map<String, String> metadata = file.metadata();
            if (!KIND.equals(metadata.get("kind"))
                    || !FORMAT_VERSION.equals(metadata.get("format_version"))) {
                throw new ModelFileException(path, "not a token shard of format " + FORMAT_VERSION);
            }
            return new TokenShard(file, checkedBorders(path, file));
        } catch (RuntimeException e) {
            file.close();
            throw e;
        }
    }

    private static long[] checkedBorders(Path path, SafetensorsFile file) {
        long[] borders = file.integers(BORDERS);
        long tokens = file.tensor(IDS).elements();
        boolean fits =
                file.tensor(IDS).type() == StoredType.I32
                        && file.tensor(WEIGHTS).type() == StoredType.F32
                        && file.tensor(WEIGHTS).elements() == tokens
                        && file.tensor(VALUES).type() == StoredType.F32
                        && file.tensor(VALUES).elements() == borders.length - 1
                        && borders.length > 0
                        && borders[0] == 0
                        && borders[borders.length - 1] == tokens
                        && rowsFit(file, borders.length - 1);
        for (int d = 1; fits && d < borders.length; d++) {
            fits = borders[d] >= borders[d - 1];
        }
        if (!fits) {
            throw new ModelFileException(path, "borders, ids and weights do not fit together");
        }
        return borders;
    }

    private static boolean rowsFit(SafetensorsFile file, int documents) {
        long rows = file.tensor(LENGTHS).elements();
        return file.tensor(LENGTHS).type() == StoredType.I32
                && file.tensor(KEYS).type() == StoredType.F32
                && file.tensor(KEYS).elements() == rows
                && file.tensor(PRINTS).type() == StoredType.I64
                && file.tensor(PRINTS).elements() == 2 * rows
                && file.tensor(LINES).type() == StoredType.I64
                && file.tensor(LINES).elements() == rows
                && (rows == 0 ? documents == 0 : documents % rows == 0);
    }

    /// How the shard was made.
    public Map<String, String> origin() {
        return file.metadata();
    }

    /// Number of rows.
    public int rows() {
        return Math.toIntExact(file.tensor(LENGTHS).elements());
    }

    /// Tokens of a row before it was cut.
    public int fullLength(int row) {
        return file.bytes(LENGTHS).getAtIndex(INT, row);
    }

    /// What a row may be ordered by.
    public float key(int row) {
        return file.bytes(KEYS).getAtIndex(FLOAT, row);
    }

    /// The fingerprints of the text of a row.
    public RowPrint print(int row) {
        MemorySegment prints = file.bytes(PRINTS);
        return new RowPrint(
                prints.getAtIndex(LONG, 2L * row), prints.getAtIndex(LONG, 2L * row + 1));
    }

    @Override
    public long line(int document) {
        int perRow = documents() / rows();
        return file.bytes(LINES).getAtIndex(LONG, document / perRow);
    }

    /// Tokens of a document that are learned.
    public int trainedTokens(int document) {
        MemorySegment weights = file.bytes(WEIGHTS);
        int trained = 0;
        for (long i = borders[document] + 1; i < borders[document + 1]; i++) {
            trained += weights.getAtIndex(FLOAT, i) > 0 ? 1 : 0;
        }
        return trained;
    }

    /// Tokens of a document.
    public int length(int document) {
        return Math.toIntExact(borders[document + 1] - borders[document]);
    }

    /// Number of documents.
    public int documents() {
        return borders.length - 1;
    }

    @Override
    public int[] lengths() {
        int[] lengths = new int[documents()];
        for (int d = 0; d < lengths.length; d++) {
            lengths[d] = Math.toIntExact(borders[d + 1] - borders[d]);
        }
        return lengths;
    }

    @Override
    public Sample sample(Packing.Piece piece) {
        long begin = borders[piece.row()] + piece.start();
        int[] ids = new int[piece.length()];
        float[] weights = new float[piece.length()];
        MemorySegment idBytes = file.bytes(IDS);
        MemorySegment weightBytes = file.bytes(WEIGHTS);
        for (int i = 0; i < ids.length; i++) {
            ids[i] = idBytes.getAtIndex(INT, begin + i);
            weights[i] = weightBytes.getAtIndex(FLOAT, begin + i);
        }
        float value = file.bytes(VALUES).getAtIndex(FLOAT, piece.row());
        return new Sample(ids, weights, value, pictures(piece));
    }

    private Pictures pictures(Packing.Piece piece) {
        Seen own = seen.get(piece.row());
        if (own == null) {
            return Pictures.NONE;
        }
        if (piece.start() > 0 || piece.length() < borders[piece.row() + 1] - borders[piece.row()]) {
            throw new IllegalArgumentException("a document with pictures stays whole");
        }
        int width = Math.toIntExact(file.tensor(PATCHES).shape().getLast());
        int patches = own.grids.stream().mapToInt(Grid::patches).sum();
        return new Pictures(
                file.floats(PATCHES, own.from * width, (long) patches * width), width, own.grids);
    }

    @Override
    public void close() {
        file.close();
    }
}
