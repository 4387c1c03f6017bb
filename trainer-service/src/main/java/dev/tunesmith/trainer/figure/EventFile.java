package dev.tunesmith.trainer.figure;

import dev.tunesmith.contracts.curve.Series;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Collection;
import java.util.zip.CRC32C;

/// An event file of TensorBoard: records of TFRecord, each a protobuf `Event` with one scalar.
///
/// The messages are written by hand, because four fields of them are used: `wall_time` 1, `step` 2,
/// `file_version` 3 and `summary` 5 of `Event`; `value` 1 of `Summary`; `tag` 1 and `simple_value`
/// 2 of `Summary.Value` (tensorflow/core/util/event.proto). Wall times are those of an epoch that
/// began with the run, one second a step, so that equal runs leave equal files.
final class EventFile {
    private static final int DOUBLE = 1;
    private static final int BYTES = 2;
    private static final int FLOAT = 5;
    private static final int CHECK_MASK = 0xA282EAD8;

    private final ByteArrayOutputStream file = new ByteArrayOutputStream();

    private EventFile() {}

    static byte[] of(Collection<Series> all) {
        var events = new EventFile();
        events.add(0, 0, field(3, "brain.Event:2".getBytes(StandardCharsets.UTF_8)));
        for (Series series : all) {
            byte[] tag = field(1, tag(series.name()).getBytes(StandardCharsets.UTF_8));
            for (Series.Point point : series.points()) {
                byte[] value = joined(tag, number(2, (float) point.value()));
                events.add((double) point.step(), point.step(), field(5, field(1, value)));
            }
        }
        return events.file.toByteArray();
    }

    /// Groups as TensorBoard shows them: what was trained on and what was validated on.
    private static String tag(String name) {
        if (name.contains("/")) {
            return name;
        }
        return name.startsWith("valid_")
                ? "valid/" + name.substring("valid_".length())
                : "train/" + name.replaceFirst("^train_", "");
    }

    private void add(double wallTime, long step, byte[] what) {
        byte[] time =
                little(1 + Double.BYTES)
                        .put((byte) ((1 << 3) | DOUBLE))
                        .putDouble(wallTime)
                        .array();
        byte[] event = joined(time, joined(joined(new byte[] {2 << 3}, varint(step)), what));
        byte[] length = little(Long.BYTES).putLong(event.length).array();
        file.writeBytes(length);
        file.writeBytes(little(Integer.BYTES).putInt(masked(length)).array());
        file.writeBytes(event);
        file.writeBytes(little(Integer.BYTES).putInt(masked(event)).array());
    }

    /// The checksum of TFRecord, turned so that sums of sums stay good.
    static int masked(byte[] content) {
        var sum = new CRC32C();
        sum.update(content);
        return Integer.rotateRight((int) sum.getValue(), 15) + CHECK_MASK;
    }

    private static byte[] field(int number, byte[] content) {
        byte[] head = joined(new byte[] {(byte) ((number << 3) | BYTES)}, varint(content.length));
        return joined(head, content);
    }

    private static byte[] number(int number, float value) {
        return little(1 + Float.BYTES).put((byte) ((number << 3) | FLOAT)).putFloat(value).array();
    }

    private static byte[] varint(long value) {
        var bytes = new ByteArrayOutputStream();
        long rest = value;
        while ((rest & ~0x7FL) != 0) {
            bytes.write((int) ((rest & 0x7F) | 0x80));
            rest >>>= 7;
        }
        bytes.write((int) rest);
        return bytes.toByteArray();
    }

    private static ByteBuffer little(int size) {
        return ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN);
    }

    private static byte[] joined(byte[] first, byte[] then) {
        return ByteBuffer.allocate(first.length + then.length).put(first).put(then).array();
    }
}
