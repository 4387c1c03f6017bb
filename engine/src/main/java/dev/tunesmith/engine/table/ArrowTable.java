package dev.tunesmith.engine.table;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// Writes an Arrow IPC stream, as the files of the `datasets` library are.
///
/// Source: Apache Arrow, "Columnar format" and "IPC streaming format"; numbers of fields are those
/// of its `Schema.fbs` and `Message.fbs`.
final class ArrowTable implements TableWriter.Format {

    private static final int VERSION_5 = 4;
    private static final int SCHEMA = 1;
    private static final int BATCH = 3;
    private static final int ALIGNMENT = 8;
    private static final int DOUBLE_PRECISION = 2;

    private final OutputStream out;
    private final Map<String, ColumnType> columns;

    ArrowTable(OutputStream out, Map<String, ColumnType> columns) throws IOException {
        this.out = out;
        this.columns = columns;
        FlatWriter message = new FlatWriter();
        List<Integer> fields = new ArrayList<>();
        columns.forEach((name, type) -> fields.add(field(message, name, type)));
        int list = message.references(fields);
        int schema = message.table(new FlatWriter.Fields().reference(1, list));
        write(message, SCHEMA, schema, new byte[0]);
    }

    private void write(FlatWriter message, int kind, int header, byte[] body) throws IOException {
        byte[] head =
                message.message(
                        message.table(
                                new FlatWriter.Fields()
                                        .shortNumber(0, VERSION_5)
                                        .small(1, kind)
                                        .reference(2, header)
                                        .longNumber(3, body.length)));
        out.write(Bytes.little(8).putInt(-1).putInt(head.length).array());
        out.write(head);
        out.write(body);
    }

    private static int field(FlatWriter message, String name, ColumnType type) {
        List<Integer> children = new ArrayList<>();
        FlatWriter.Fields about = new FlatWriter.Fields();
        int kind =
                switch (type) {
                    case ColumnType.Text _, ColumnType.Unknown _ -> 5;
                    case ColumnType.Whole _ -> {
                        about.number(0, 64).small(1, 1);
                        yield 2;
                    }
                    case ColumnType.Fraction _ -> {
                        about.shortNumber(0, DOUBLE_PRECISION);
                        yield 3;
                    }
                    case ColumnType.Flag _ -> 6;
                    case ColumnType.Listing(ColumnType element) -> {
                        children.add(field(message, "item", element));
                        yield 12;
                    }
                    case ColumnType.Structure(Map<String, ColumnType> fields) -> {
                        fields.forEach((key, inner) -> children.add(field(message, key, inner)));
                        yield 13;
                    }
                };
        int inner = message.references(children);
        int typed = message.table(about);
        int text = message.text(name);
        return message.table(
                new FlatWriter.Fields()
                        .reference(0, text)
                        .small(1, 1)
                        .small(2, kind)
                        .reference(3, typed)
                        .reference(5, inner));
    }

    /// The parts of a record batch.
    private static final class Body {
        private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        private final List<long[]> nodes = new ArrayList<>();
        private final List<long[]> buffers = new ArrayList<>();

        /// @param filled up to its position
        void buffer(ByteBuffer filled) {
            byte[] content = new byte[filled.position()];
            filled.flip().get(content);
            buffer(content);
        }

        void buffer(byte[] content) {
            buffers.add(new long[] {bytes.size(), content.length});
            bytes.writeBytes(content);
            while (bytes.size() % ALIGNMENT != 0) {
                bytes.write(0);
            }
        }
    }

    @Override
    public void batch(List<Map<String, @Nullable Object>> rows) throws IOException {
        Body body = new Body();
        columns.forEach((name, type) -> {
            List<@Nullable Object> values = new ArrayList<>();
            rows.forEach(row -> values.add(row.get(name)));
            column(body, type, values);
        });
        FlatWriter message = new FlatWriter();
        int buffers = message.pairs(body.buffers);
        int nodes = message.pairs(body.nodes);
        int batch =
                message.table(
                        new FlatWriter.Fields()
                                .longNumber(0, rows.size())
                                .reference(1, nodes)
                                .reference(2, buffers));
        write(message, BATCH, batch, body.bytes.toByteArray());
    }

    private static void column(Body body, ColumnType type, List<@Nullable Object> values) {
        boolean[] present = new boolean[values.size()];
        int missing = 0;
        for (int i = 0; i < present.length; i++) {
            present[i] = values.get(i) != null;
            missing += present[i] ? 0 : 1;
        }
        body.nodes.add(new long[] {values.size(), missing});
        body.buffer(Bytes.bits(present));
        switch (type) {
            case ColumnType.Text _, ColumnType.Unknown _ -> texts(body, values);
            case ColumnType.Whole _, ColumnType.Fraction _ -> numbers(body, type, values);
            case ColumnType.Flag _ -> {
                boolean[] flags = new boolean[values.size()];
                for (int i = 0; i < flags.length; i++) {
                    flags[i] = Boolean.TRUE.equals(values.get(i));
                }
                body.buffer(Bytes.bits(flags));
            }
            case ColumnType.Listing(ColumnType element) -> {
                ByteBuffer offsets = Bytes.little(Integer.BYTES * (values.size() + 1)).putInt(0);
                List<@Nullable Object> items = new ArrayList<>();
                for (Object value : values) {
                    if (value instanceof List<?> list) {
                        items.addAll(list);
                    }
                    offsets.putInt(items.size());
                }
                body.buffer(offsets);
                column(body, element, items);
            }
            case ColumnType.Structure(Map<String, ColumnType> fields) ->
                    fields.forEach((name, field) -> {
                        List<@Nullable Object> inner = new ArrayList<>();
                        for (Object value : values) {
                            inner.add(value instanceof Map<?, ?> map ? map.get(name) : null);
                        }
                        column(body, field, inner);
                    });
        }
    }

    private static void texts(Body body, List<@Nullable Object> values) {
        ByteBuffer offsets = Bytes.little(Integer.BYTES * (values.size() + 1)).putInt(0);
        ByteArrayOutputStream texts = new ByteArrayOutputStream();
        for (Object value : values) {
            if (value != null) {
                texts.writeBytes(ColumnType.text(value).getBytes(StandardCharsets.UTF_8));
            }
            offsets.putInt(texts.size());
        }
        body.buffer(offsets);
        body.buffer(texts.toByteArray());
    }

    private static void numbers(Body body, ColumnType type, List<@Nullable Object> values) {
        ByteBuffer numbers = Bytes.little(Long.BYTES * values.size());
        for (Object value : values) {
            Number number = value instanceof Number known ? known : 0;
            numbers.putLong(
                    type instanceof ColumnType.Whole
                            ? number.longValue()
                            : Double.doubleToRawLongBits(number.doubleValue()));
        }
        body.buffer(numbers);
    }

    @Override
    public void finish() throws IOException {
        out.write(Bytes.little(8).putInt(-1).putInt(0).array());
    }
}
