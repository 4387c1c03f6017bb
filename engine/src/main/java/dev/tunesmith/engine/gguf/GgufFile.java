package dev.tunesmith.engine.gguf;

import dev.tunesmith.engine.io.MappedFile;
import dev.tunesmith.engine.io.ModelFileException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// A GGUF file, checked as a whole and then mapped read-only.
public final class GgufFile implements AutoCloseable {
    private final MappedFile file;
    private final Header header;

    /// A tensor of the file.
    ///
    /// @param shape as Hugging Face has it, the longest stride first
    /// @param begin offset in the file
    public record Tensor(String name, GgufType type, List<Long> shape, long begin, long bytes) {
        /// Number of values.
        public long elements() {
            return shape.stream().reduce(1L, Math::multiplyExact);
        }
    }

    private record Header(Map<String, Object> metadata, Map<String, Tensor> tensors) {}

    private GgufFile(MappedFile file) {
        this.file = file;
        this.header = new Parser(file.path(), file.bytes()).header();
    }

    /// Checks and maps `path`.
    ///
    /// @throws ModelFileException if the file is missing, malformed or of a kind that is not read
    public static GgufFile open(Path path) {
        return MappedFile.open(path, GgufFile::new);
    }

    /// Where the file lies.
    public Path path() {
        return file.path();
    }

    /// Keys and values of the header: texts, booleans, longs, doubles and lists of these.
    public Map<String, Object> metadata() {
        return header.metadata;
    }

    /// All tensors in the order of the file.
    public List<Tensor> tensors() {
        return new ArrayList<>(header.tensors.values());
    }

    /// The tensor of that name, if there is one.
    public Optional<Tensor> find(String name) {
        return Optional.ofNullable(header.tensors.get(name));
    }

    /// All values of a tensor.
    public float[] values(Tensor tensor) {
        return tensor.type()
                .decode(
                        file.bytes()
                                .asSlice(tensor.begin(), tensor.bytes())
                                .toArray(ValueLayout.JAVA_BYTE));
    }

    /// Unmaps the file.
    @Override
    public void close() {
        file.close();
    }

    /// Reads the header; whatever it claims is checked before memory is taken for it.
    private static final class Parser {
        private static final int MAGIC = 0x46554747;
        private static final int ENTRIES_MAX = 1 << 20;
        private static final int TEXT_BYTES_MAX = 64 << 20;
        private static final int DIMENSIONS_MAX = 4;

        private final Path path;
        private final MemorySegment bytes;
        private long at;

        Parser(Path path, MemorySegment bytes) {
            this.path = path;
            this.bytes = bytes;
        }

        Header header() {
            if (bytes.byteSize() < 24 || word() != MAGIC) {
                throw new ModelFileException(path, 0, "not a GGUF file");
            }
            int version = word();
            if (version != 2 && version != 3) {
                throw wrong("version %d is not supported (supported: 2, 3)".formatted(version));
            }
            long tensorCount = count("tensors", ENTRIES_MAX);
            long keyCount = count("keys", ENTRIES_MAX);
            Map<String, Object> metadata = new LinkedHashMap<>();
            for (long i = 0; i < keyCount; i++) {
                String key = text();
                if (metadata.put(key, value(word(), false)) != null) {
                    throw wrong("key %s stands there twice".formatted(key));
                }
            }
            return new Header(metadata, tensors(tensorCount, alignment(metadata)));
        }

        private long alignment(Map<String, Object> metadata) {
            Object stated = metadata.getOrDefault("general.alignment", 32L);
            if (!(stated instanceof Long size) || size < 8 || size > 1 << 20 || size % 8 != 0) {
                throw wrong("general.alignment %s is no multiple of 8".formatted(stated));
            }
            return size;
        }

        private Map<String, Tensor> tensors(long count, long alignment) {
            List<Tensor> relative = new ArrayList<>();
            for (long i = 0; i < count; i++) {
                relative.add(tensor(alignment));
            }
            long data = Math.ceilDiv(at, alignment) * alignment;
            Map<String, Tensor> tensors = new LinkedHashMap<>();
            for (Tensor tensor : relative) {
                long begin = data + tensor.begin();
                if (begin > bytes.byteSize() - tensor.bytes()) {
                    throw new ModelFileException(
                            path,
                            bytes.byteSize(),
                            "the file ends inside tensor %s, which has %d bytes from %d on"
                                    .formatted(tensor.name(), tensor.bytes(), begin));
                }
                Tensor placed =
                        new Tensor(
                                tensor.name(),
                                tensor.type(),
                                tensor.shape(),
                                begin,
                                tensor.bytes());
                if (tensors.put(tensor.name(), placed) != null) {
                    throw wrong("tensor %s stands there twice".formatted(tensor.name()));
                }
            }
            return tensors;
        }

        private Tensor tensor(long alignment) {
            String name = text();
            int dimensions = word();
            if (dimensions < 1 || dimensions > DIMENSIONS_MAX) {
                throw wrong("tensor %s has %d dimensions".formatted(name, dimensions));
            }
            long elements = 1;
            List<Long> shape = new ArrayList<>();
            for (int i = 0; i < dimensions; i++) {
                long size = longWord();
                if (size < 1 || size > Integer.MAX_VALUE || elements > Integer.MAX_VALUE) {
                    throw wrong("tensor %s has a dimension of %d".formatted(name, size));
                }
                elements *= size;
                shape.addFirst(size);
            }
            int id = word();
            GgufType type =
                    GgufType.of(id)
                            .orElseThrow(() ->
                                    wrong(
                                            "tensor %s has type %d, which is not supported (supported: %s)"
                                                    .formatted(
                                                            name, id, List.of(GgufType.values()))));
            if (shape.getLast() % type.blockValues() != 0 || elements > Integer.MAX_VALUE) {
                throw wrong(
                        "tensor %s of shape %s cannot be of type %s".formatted(name, shape, type));
            }
            long begin = longWord();
            if (begin < 0 || begin % alignment != 0 || begin > bytes.byteSize()) {
                throw wrong("tensor %s begins at %d".formatted(name, begin));
            }
            long length = elements / type.blockValues() * type.blockBytes();
            return new Tensor(name, type, List.copyOf(shape), begin, length);
        }

        private Object value(int type, boolean inList) {
            return switch (type) {
                case 0 -> (long) (single() & 0xff);
                case 1 -> (long) single();
                case 2 -> (long) (pair() & 0xffff);
                case 3 -> (long) pair();
                case 4 -> Integer.toUnsignedLong(word());
                case 5 -> (long) word();
                // The shortest number that rounds to the float is the one that was meant.
                case 6 -> Double.parseDouble(Float.toString(Float.intBitsToFloat(word())));
                case 7 -> single() != 0;
                case 8 -> text();
                case 9 -> {
                    if (inList) {
                        throw wrong("a list of lists");
                    }
                    yield list();
                }
                case 10, 11 -> longWord();
                case 12 -> Double.longBitsToDouble(longWord());
                default -> throw wrong("type %d of a value".formatted(type));
            };
        }

        private List<Object> list() {
            int type = word();
            long count = count("items", TEXT_BYTES_MAX);
            List<Object> items = new ArrayList<>();
            for (long i = 0; i < count; i++) {
                items.add(value(type, true));
            }
            return items;
        }

        /// A number of things of which each has at least one byte.
        private long count(String what, long most) {
            long count = longWord();
            if (count < 0 || count > Math.min(most, bytes.byteSize() - at)) {
                throw wrong("%s %s".formatted(Long.toUnsignedString(count), what));
            }
            return count;
        }

        private String text() {
            long length = count("bytes of text", TEXT_BYTES_MAX);
            byte[] utf8 = take(length).toArray(ValueLayout.JAVA_BYTE);
            return new String(utf8, java.nio.charset.StandardCharsets.UTF_8);
        }

        private byte single() {
            return take(1).get(ValueLayout.JAVA_BYTE, 0);
        }

        private short pair() {
            return take(2).get(ValueLayout.JAVA_SHORT_UNALIGNED, 0);
        }

        private int word() {
            return take(4).get(ValueLayout.JAVA_INT_UNALIGNED, 0);
        }

        private long longWord() {
            return take(8).get(ValueLayout.JAVA_LONG_UNALIGNED, 0);
        }

        private MemorySegment take(long length) {
            if (length > bytes.byteSize() - at) {
                throw new ModelFileException(
                        path, bytes.byteSize(), "the file ends inside its header");
            }
            MemorySegment taken = bytes.asSlice(at, length);
            at += length;
            return taken;
        }

        private ModelFileException wrong(String what) {
            return new ModelFileException(path, at, what);
        }
    }
}
