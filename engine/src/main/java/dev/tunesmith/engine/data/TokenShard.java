package dev.tunesmith.engine.data;

import dev.tunesmith.engine.data.Pictures.Grid;
import dev.tunesmith.engine.io.ModelFileException;
import dev.tunesmith.engine.io.SafetensorsFile;
import dev.tunesmith.engine.io.SafetensorsWriter;
import dev.tunesmith.engine.io.StoredType;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/// Tokenised documents in a file that is mapped, not read.
///
/// The file is a safetensors file: `ids` (I32, one for each token), `weights` (F32, likewise) and
/// `borders` (I64: first token of each document, and the number of tokens at the end), `values`
/// (F32, one for each document). Where documents have pictures there are also `patches` (F32, one
/// row a patch) and `grids` (I64: document, frames, rows and columns of each picture). The metadata
/// say how it was made; the same rows and options give the same bytes.
public final class TokenShard implements AutoCloseable {

    private static final String KIND = "tunesmith-tokens";
    private static final String FORMAT_VERSION = "2";
    private static final String IDS = "ids";
    private static final String WEIGHTS = "weights";
    private static final String BORDERS = "borders";
    private static final String VALUES = "values";
    private static final String PATCHES = "patches";
    private static final String GRIDS = "grids";
    private static final int GRID_NUMBERS = 4;

    private static final ValueLayout.OfInt INT =
            ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfFloat FLOAT =
            ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

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

    /// Writes samples to `path`, which must not exist. `origin` tells how they were made.
    public static void write(Path path, List<Sample> samples, Map<String, String> origin)
            throws IOException {
        int tokens = samples.stream().mapToInt(Sample::length).reduce(0, Math::addExact);
        ByteBuffer ids = littleEndian(tokens, Integer.BYTES);
        ByteBuffer weights = littleEndian(tokens, Float.BYTES);
        ByteBuffer borders = littleEndian(samples.size() + 1, Long.BYTES);
        ByteBuffer values = littleEndian(samples.size(), Float.BYTES);
        borders.putLong(0);
        long end = 0;
        for (Sample sample : samples) {
            for (int i = 0; i < sample.length(); i++) {
                ids.putInt(sample.ids()[i]);
                weights.putFloat(sample.weights()[i]);
            }
            end += sample.length();
            borders.putLong(end);
            values.putFloat(sample.value());
        }
        Map<String, String> metadata = new TreeMap<>(origin);
        metadata.put("kind", KIND);
        metadata.put("format_version", FORMAT_VERSION);
        SafetensorsWriter writer = new SafetensorsWriter(metadata);
        addPictures(writer, samples);
        writer.add(IDS, StoredType.I32, List.of((long) tokens), segment(ids))
                .add(WEIGHTS, StoredType.F32, List.of((long) tokens), segment(weights))
                .add(BORDERS, StoredType.I64, List.of(samples.size() + 1L), segment(borders))
                .add(VALUES, StoredType.F32, List.of((long) samples.size()), segment(values))
                .write(path);
    }

    private static void addPictures(SafetensorsWriter writer, List<Sample> samples) {
        Pictures all = Pictures.joined(samples.stream().map(Sample::pictures).toList());
        if (all.isEmpty()) {
            return;
        }
        ByteBuffer grids = littleEndian(GRID_NUMBERS * all.grids().size(), Long.BYTES);
        for (int d = 0; d < samples.size(); d++) {
            for (Grid grid : samples.get(d).pictures().grids()) {
                grids.putLong(d).putLong(grid.frames());
                grids.putLong(grid.rows()).putLong(grid.columns());
            }
        }
        long patches = all.values().length / all.width();
        writer.add(PATCHES, List.of(patches, (long) all.width()), all.values())
                .add(
                        GRIDS,
                        StoredType.I64,
                        List.of((long) all.grids().size(), (long) GRID_NUMBERS),
                        segment(grids));
    }

    private static ByteBuffer littleEndian(int elements, int bytes) {
        return ByteBuffer.allocate(Math.multiplyExact(elements, bytes))
                .order(ByteOrder.LITTLE_ENDIAN);
    }

    private static MemorySegment segment(ByteBuffer filled) {
        return MemorySegment.ofBuffer(filled.flip());
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
                        && borders[borders.length - 1] == tokens;
        for (int d = 1; fits && d < borders.length; d++) {
            fits = borders[d] >= borders[d - 1];
        }
        if (!fits) {
            throw new ModelFileException(path, "borders, ids and weights do not fit together");
        }
        return borders;
    }

    /// How the shard was made.
    public Map<String, String> origin() {
        return file.metadata();
    }

    /// Number of documents.
    public int documents() {
        return borders.length - 1;
    }

    /// Number of tokens of all documents.
    public long tokens() {
        return borders[borders.length - 1];
    }

    /// Lengths of all documents.
    public int[] lengths() {
        int[] lengths = new int[documents()];
        for (int d = 0; d < lengths.length; d++) {
            lengths[d] = Math.toIntExact(borders[d + 1] - borders[d]);
        }
        return lengths;
    }

    /// A copy of part of a document.
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
