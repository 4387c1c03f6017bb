package dev.tunesmith.engine.table;

import io.airlift.compress.v3.zstd.ZstdJavaCompressor;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// Writes Parquet: each batch of rows is a row group of one page a column, compressed with zstd.
///
/// Source: Apache Parquet, "File format" and "Logical types".
final class ParquetTable implements TableWriter.Format {

    private static final byte[] MARK = "PAR1".getBytes(StandardCharsets.US_ASCII);
    private static final int ZSTD = 6;
    private static final int PLAIN = 0;
    private static final int RUNS = 3;
    private static final int OPTIONAL = 1;
    private static final int REPEATED = 2;
    private static final int UTF8 = 0;
    private static final int LIST = 3;

    private final OutputStream out;
    private final Map<String, ColumnType> columns;
    private final List<ParquetLeaf> leaves = new ArrayList<>();
    private final List<byte[]> schema = new ArrayList<>();
    private final List<byte[]> groups = new ArrayList<>();
    private final List<Node> nodes = new ArrayList<>();
    private long at;
    private long rows;

    /// A column, or a field of one.
    private sealed interface Node {
        record Leaf(ParquetLeaf leaf) implements Node {}

        /// @param repetition level of a further item
        record Items(Node element, int repetition) implements Node {}

        record Fields(List<String> names, List<Node> fields) implements Node {}
    }

    ParquetTable(OutputStream out, Map<String, ColumnType> columns) throws IOException {
        this.out = out;
        this.columns = columns;
        schema.add(
                ThriftWriter.structure(root -> root.text(4, "schema").number(5, columns.size())));
        columns.forEach((name, type) -> nodes.add(node(List.of(name), type, 0, 0)));
        write(MARK);
    }

    private void write(byte[] bytes) throws IOException {
        out.write(bytes);
        at += bytes.length;
    }

    private Node node(List<String> path, ColumnType type, int repetition, int definition) {
        String name = path.getLast();
        return switch (type) {
            case ColumnType.Listing(ColumnType element) -> {
                schema.add(
                        ThriftWriter.structure(group ->
                                group.number(3, OPTIONAL)
                                        .text(4, name)
                                        .number(5, 1)
                                        .number(6, LIST)));
                schema.add(
                        ThriftWriter.structure(
                                group -> group.number(3, REPEATED).text(4, "list").number(5, 1)));
                Node inner =
                        node(
                                with(with(path, "list"), "element"),
                                element,
                                repetition + 1,
                                definition + 2);
                yield new Node.Items(inner, repetition + 1);
            }
            case ColumnType.Structure(Map<String, ColumnType> fields) -> {
                schema.add(
                        ThriftWriter.structure(group ->
                                group.number(3, OPTIONAL).text(4, name).number(5, fields.size())));
                List<Node> inner = new ArrayList<>();
                fields.forEach((key, field) ->
                        inner.add(node(with(path, key), field, repetition, definition + 1)));
                yield new Node.Fields(List.copyOf(fields.keySet()), inner);
            }
            case ColumnType.Text _,
                    ColumnType.Unknown _,
                    ColumnType.Whole _,
                    ColumnType.Fraction _,
                    ColumnType.Flag _ -> {
                ParquetLeaf leaf = new ParquetLeaf(path, type, repetition, definition + 1);
                schema.add(ThriftWriter.structure(element -> leaf(element, name, leaf)));
                leaves.add(leaf);
                yield new Node.Leaf(leaf);
            }
        };
    }

    private static void leaf(ThriftWriter element, String name, ParquetLeaf leaf) {
        element.number(1, leaf.physical()).number(3, OPTIONAL).text(4, name);
        if (leaf.physical() == ParquetLeaf.BYTES) {
            element.number(6, UTF8);
        }
    }

    private static List<String> with(List<String> path, String name) {
        List<String> longer = new ArrayList<>(path);
        longer.add(name);
        return longer;
    }

    @Override
    public void batch(List<Map<String, @Nullable Object>> batch) throws IOException {
        List<String> names = List.copyOf(columns.keySet());
        for (Map<String, @Nullable Object> row : batch) {
            for (int c = 0; c < names.size(); c++) {
                add(nodes.get(c), Optional.ofNullable(row.get(names.get(c))), 0, 0);
            }
        }
        rows += batch.size();
        List<byte[]> chunks = new ArrayList<>();
        long bytes = 0;
        for (ParquetLeaf leaf : leaves) {
            long from = at;
            int entries = leaf.entries();
            long whole = writePage(leaf);
            bytes += whole;
            long stored = at - from;
            chunks.add(
                    ThriftWriter.structure(chunk ->
                            chunk.longNumber(2, from)
                                    .inner(
                                            3,
                                            about ->
                                                    about(about, leaf, entries)
                                                            .longNumber(6, whole)
                                                            .longNumber(7, stored)
                                                            .longNumber(9, from))));
        }
        long size = bytes;
        groups.add(
                ThriftWriter.structure(group ->
                        group.structures(1, chunks)
                                .longNumber(2, size)
                                .longNumber(3, batch.size())));
    }

    private static ThriftWriter about(ThriftWriter about, ParquetLeaf leaf, int entries) {
        return about.number(1, leaf.physical())
                .numbers(2, List.of(PLAIN, RUNS))
                .texts(3, leaf.path())
                .number(4, ZSTD)
                .longNumber(5, entries);
    }

    /// Bytes of header and page before they were compressed.
    private long writePage(ParquetLeaf leaf) throws IOException {
        int entries = leaf.entries();
        byte[] page = leaf.page();
        var compressor = new ZstdJavaCompressor();
        byte[] room = new byte[compressor.maxCompressedLength(page.length)];
        int length = compressor.compress(page, 0, page.length, room, 0, room.length);
        byte[] header =
                ThriftWriter.structure(head ->
                        head.number(1, 0)
                                .number(2, page.length)
                                .number(3, length)
                                .inner(
                                        5,
                                        data ->
                                                data.number(1, entries)
                                                        .number(2, PLAIN)
                                                        .number(3, RUNS)
                                                        .number(4, RUNS)));
        write(header);
        write(Arrays.copyOf(room, length));
        return (long) header.length + page.length;
    }

    private static void add(Node node, Optional<Object> value, int repetition, int definition) {
        switch (node) {
            case Node.Leaf(ParquetLeaf leaf) ->
                    value.ifPresentOrElse(
                            present -> leaf.value(repetition, present),
                            () -> leaf.missing(repetition, definition));
            case Node.Fields(List<String> names, List<Node> fields) -> {
                for (int i = 0; i < names.size(); i++) {
                    String name = names.get(i);
                    add(
                            fields.get(i),
                            value.flatMap(structure -> ColumnType.field(structure, name)),
                            repetition,
                            value.isPresent() ? definition + 1 : definition);
                }
            }
            case Node.Items(Node element, int further) -> {
                List<?> items = value.orElse(null) instanceof List<?> list ? list : List.of();
                if (items.isEmpty()) {
                    absent(element, repetition, value.isPresent() ? definition + 1 : definition);
                }
                for (int i = 0; i < items.size(); i++) {
                    add(
                            element,
                            Optional.ofNullable(items.get(i)),
                            i == 0 ? repetition : further,
                            definition + 2);
                }
            }
        }
    }

    /// A place at which nothing of a node is.
    private static void absent(Node node, int repetition, int definition) {
        switch (node) {
            case Node.Leaf(ParquetLeaf leaf) -> leaf.missing(repetition, definition);
            case Node.Fields(List<String> _, List<Node> fields) ->
                    fields.forEach(field -> absent(field, repetition, definition));
            case Node.Items(Node element, int _) -> absent(element, repetition, definition);
        }
    }

    @Override
    public void finish() throws IOException {
        byte[] footer =
                ThriftWriter.structure(file ->
                        file.number(1, 1)
                                .structures(2, schema)
                                .longNumber(3, rows)
                                .structures(4, groups)
                                .text(6, "tunesmith"));
        write(footer);
        write(
                ByteBuffer.allocate(Integer.BYTES)
                        .order(ByteOrder.LITTLE_ENDIAN)
                        .putInt(footer.length)
                        .array());
        write(MARK);
    }
}
