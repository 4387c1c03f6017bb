package dev.tunesmith.engine.rows;

import dev.tunesmith.engine.rows.ParquetColumn.Entry;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// Rows of a Parquet file with their nested values, one row group in memory at a time.
///
/// Source: Apache Parquet, "File format" and "Nested encoding" (Melnik et al., Dremel, 2010).
final class ParquetRows implements RowReader {

    private static final int TAIL_BYTES = 8;
    private static final int FOOTER_BYTES_MAX = 64 << 20;
    private static final long GROUP_BYTES_MAX = 2L << 30;

    /// What pages of all columns may take in memory at the same time.
    private static final long PAGES_BYTES_MAX = 1L << 30;

    /// Values of all columns in one row.
    private static final int ROW_VALUES_MAX = 4 << 20;

    /// Rows without values need no bytes, so a file says how many there are; beyond this number and
    /// this many a byte, nothing can be meant by it.
    private static final long ROWS_MAX = 16L << 20;

    private static final long ROWS_PER_BYTE_MAX = 64;
    private static final int MAP = 1;
    private static final int MAP_KEY_VALUE = 2;
    private static final int LIST = 3;

    private final Path file;
    private final FileChannel channel;
    private final ParquetNode root;
    private final List<ParquetNode> leaves;
    private final List<?> groups;
    private final IdentityHashMap<ParquetNode, ParquetColumn> columns = new IdentityHashMap<>();
    private int nextGroup;
    private long rowsLeft;
    private long rowsClaimed;
    private long bytesClaimed;
    private long pagesBytes;

    ParquetRows(Path file) throws IOException {
        this(file, file);
    }

    /// @param file what messages call it
    /// @param bytes where its bytes are
    ParquetRows(Path file, Path bytes) throws IOException {
        this.file = file;
        this.channel = FileChannel.open(bytes, StandardOpenOption.READ);
        try {
            Map<Integer, Object> footer = footer();
            this.root = ParquetNode.root(file, ThriftReader.items(footer, 2));
            this.leaves = root.leaves();
            this.groups = ThriftReader.items(footer, 4);
        } catch (IOException | RuntimeException e) {
            channel.close();
            throw e;
        }
    }

    private Map<Integer, Object> footer() throws IOException {
        long size = channel.size();
        if (size < TAIL_BYTES + 4) {
            throw new RowFileException(file, "too short for a Parquet file");
        }
        ByteBuffer tail = ByteBuffer.wrap(bytes(size - TAIL_BYTES, TAIL_BYTES));
        int length = tail.order(ByteOrder.LITTLE_ENDIAN).getInt();
        int mark = tail.getInt();
        if (mark != 0x31524150 || length < 0 || length > size - TAIL_BYTES) {
            throw new RowFileException(file, "it does not end as a Parquet file does");
        }
        if (length > FOOTER_BYTES_MAX) {
            throw new RowFileException(file, "its metadata have %d bytes".formatted(length));
        }
        return new ThriftReader(file, bytes(size - TAIL_BYTES - length, length), 0).structure();
    }

    private byte[] bytes(long from, int length) throws IOException {
        ByteBuffer buffer = ByteBuffer.allocate(length);
        while (buffer.hasRemaining()) {
            if (channel.read(buffer, from + buffer.position()) < 0) {
                throw new RowFileException(file, "byte " + from, "the file ends too early");
            }
        }
        return buffer.array();
    }

    @Override
    public Optional<Map<String, @Nullable Object>> next() throws IOException {
        while (rowsLeft == 0) {
            if (nextGroup == groups.size()) {
                return Optional.empty();
            }
            openGroup();
        }
        rowsLeft--;
        IdentityHashMap<ParquetNode, List<Entry>> entries = new IdentityHashMap<>();
        int values = 0;
        for (ParquetNode leaf : leaves) {
            ParquetColumn column = columns.get(leaf);
            if (column == null) {
                throw new RowFileException(file, "column " + leaf.name(), "a row group lacks it");
            }
            long before = column.memory();
            List<Entry> row = column.row(ROW_VALUES_MAX - values);
            pagesBytes += column.memory() - before;
            values += row.size();
            if (pagesBytes > PAGES_BYTES_MAX) {
                throw new RowFileException(
                        file,
                        "its pages take more than %d bytes at the same time"
                                .formatted(PAGES_BYTES_MAX));
            }
            entries.put(leaf, row);
        }
        try {
            Map<String, @Nullable Object> row = new LinkedHashMap<>();
            for (ParquetNode child : root.children()) {
                row.put(child.name(), value(child, entries));
            }
            return Optional.of(row);
        } catch (NoSuchElementException _) {
            throw new RowFileException(file, "the levels of its columns do not fit together");
        }
    }

    private void openGroup() throws IOException {
        Map<?, ?> group = groups.get(nextGroup++) instanceof Map<?, ?> map ? map : Map.of();
        rowsLeft = Math.max(0, ThriftReader.number(group, 3, 0));
        List<?> chunks = ThriftReader.items(group, 1);
        columns.clear();
        pagesBytes = 0;
        rowsClaimed += rowsLeft;
        if (rowsClaimed < 0 || rowsClaimed > ROWS_MAX + ROWS_PER_BYTE_MAX * channel.size()) {
            throw new RowFileException(file, "claims %d rows".formatted(rowsLeft));
        }
        if (chunks.size() != leaves.size()) {
            throw new RowFileException(file, "a row group has not all columns");
        }
        long all = 0;
        long claimedBefore = bytesClaimed;
        for (int i = 0; i < chunks.size(); i++) {
            Map<?, ?> chunk = chunks.get(i) instanceof Map<?, ?> map ? map : Map.of();
            Map<?, ?> about = ThriftReader.inner(chunk, 3);
            long from = ThriftReader.number(about, 9, -1);
            long dictionary = ThriftReader.number(about, 11, -1);
            from = dictionary > 0 && dictionary < from ? dictionary : from;
            long length = ThriftReader.number(about, 7, -1);
            all += Math.max(length, 0);
            bytesClaimed = claimedBefore + all;
            if (from < 0 || length < 0 || from > channel.size() - length) {
                throw new RowFileException(
                        file,
                        "column " + leaves.get(i).name(),
                        "claims %d bytes from %d on".formatted(length, from));
            }
            if (all > GROUP_BYTES_MAX || length > Integer.MAX_VALUE - 8) {
                throw new RowFileException(
                        file, "a row group of more than %d bytes".formatted(GROUP_BYTES_MAX));
            }
            if (bytesClaimed > channel.size()) {
                throw new RowFileException(file, "its columns lie one over the other");
            }
            columns.put(
                    leaves.get(i),
                    new ParquetColumn(
                            file,
                            leaves.get(i),
                            bytes(from, (int) length),
                            (int) ThriftReader.number(about, 4, 0)));
        }
    }

    private static @Nullable Object value(
            ParquetNode node, IdentityHashMap<ParquetNode, List<Entry>> entries) {
        return node.levels().repeated() ? repeated(node, entries) : single(node, entries);
    }

    private static Entry first(
            ParquetNode node, IdentityHashMap<ParquetNode, List<Entry>> entries) {
        return entries.getOrDefault(node.leaves().getFirst(), List.of()).getFirst();
    }

    private static List<@Nullable Object> repeated(
            ParquetNode node, IdentityHashMap<ParquetNode, List<Entry>> entries) {
        List<@Nullable Object> items = new ArrayList<>();
        if (first(node, entries).definition() < node.levels().definition()) {
            return items;
        }
        List<IdentityHashMap<ParquetNode, List<Entry>>> parts = new ArrayList<>();
        for (ParquetNode leaf : node.leaves()) {
            int part = -1;
            for (Entry entry : entries.getOrDefault(leaf, List.of())) {
                if (part < 0 || entry.repetition() <= node.levels().repetition()) {
                    part++;
                }
                if (part == parts.size()) {
                    parts.add(new IdentityHashMap<>());
                }
                parts.get(part).computeIfAbsent(leaf, _ -> new ArrayList<>()).add(entry);
            }
        }
        parts.forEach(part -> items.add(single(node, part)));
        return items;
    }

    private static @Nullable Object single(
            ParquetNode node, IdentityHashMap<ParquetNode, List<Entry>> entries) {
        Entry first = first(node, entries);
        if (node.isLeaf()) {
            return first.value();
        }
        if (node.levels().optional() && first.definition() < node.levels().definition()) {
            return null;
        }
        ParquetNode only = node.children().getFirst();
        boolean wraps = node.children().size() == 1 && only.levels().repeated();
        if (wraps && node.converted() == LIST) {
            return elements(only, repeated(only, entries));
        }
        if (wraps && (node.converted() == MAP || node.converted() == MAP_KEY_VALUE)) {
            return map(only, repeated(only, entries));
        }
        Map<String, @Nullable Object> fields = new LinkedHashMap<>();
        for (ParquetNode child : node.children()) {
            fields.put(child.name(), value(child, entries));
        }
        return fields;
    }

    /// A list is written as a group around a group; who reads wants neither of them.
    private static List<@Nullable Object> elements(
            ParquetNode wrapper, List<@Nullable Object> items) {
        boolean unwraps = wrapper.children().size() == 1 && !wrapper.name().equals("array");
        if (!unwraps) {
            return items;
        }
        List<@Nullable Object> elements = new ArrayList<>();
        String name = wrapper.children().getFirst().name();
        items.forEach(item -> elements.add(item instanceof Map<?, ?> map ? map.get(name) : item));
        return elements;
    }

    private static Map<String, @Nullable Object> map(
            ParquetNode wrapper, List<@Nullable Object> items) {
        Map<String, @Nullable Object> map = new LinkedHashMap<>();
        String key = wrapper.children().getFirst().name();
        String value = wrapper.children().getLast().name();
        for (Object item : items) {
            if (item instanceof Map<?, ?> pair) {
                map.put(String.valueOf(pair.get(key)), pair.get(value));
            }
        }
        return map;
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
