package dev.tunesmith.kernels.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tunesmith.kernels.NativeMemory;
import dev.tunesmith.kernels.cuda.RealGpu;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;

/// Native memory of a test. A fence lies on both sides of every piece and is checked on closing.
final class Fenced implements AutoCloseable {
    private static final int FENCE = 128;
    private static final byte MARK = 0x5a;

    private static final AtomicBoolean PINNED = new AtomicBoolean();

    private final boolean pinned = PINNED.get();
    private final Arena arena = Arena.ofConfined();
    private final List<MemorySegment> pieces = new ArrayList<>();
    private final List<MemorySegment> contents = new ArrayList<>();

    /// Whether later memory is such that a GPU sees it.
    static void pin(boolean pin) {
        PINNED.set(pin);
    }

    /// Room filled with bytes that are NaN in both types, so that reading it unset shows.
    long room(long bytes) {
        long all = bytes + 2 * FENCE;
        MemorySegment piece =
                pinned ? NativeMemory.at(RealGpu.allocate(all), all) : arena.allocate(all, 64);
        piece.fill(MARK);
        MemorySegment content = piece.asSlice(FENCE, bytes);
        content.fill((byte) 0xff);
        pieces.add(piece);
        contents.add(content);
        return content.address();
    }

    long room(Element type, int count) {
        return room((long) count * type.bytes());
    }

    long floats(Element type, double... values) {
        long address = room(type, values.length);
        MemorySegment content = contents.getLast();
        for (int i = 0; i < values.length; i++) {
            if (type == Element.F32) {
                content.setAtIndex(ValueLayout.JAVA_FLOAT, i, (float) values[i]);
            } else {
                content.setAtIndex(ValueLayout.JAVA_SHORT, i, Numbers.bits((float) values[i]));
            }
        }
        return address;
    }

    long bytes(byte... values) {
        long address = room(values.length);
        MemorySegment.copy(values, 0, contents.getLast(), ValueLayout.JAVA_BYTE, 0, values.length);
        return address;
    }

    long ints(int... values) {
        long address = room(4L * values.length);
        MemorySegment.copy(values, 0, contents.getLast(), ValueLayout.JAVA_INT, 0, values.length);
        return address;
    }

    long longs(long... values) {
        long address = room(8L * values.length);
        MemorySegment.copy(values, 0, contents.getLast(), ValueLayout.JAVA_LONG, 0, values.length);
        return address;
    }

    long doubles(double... values) {
        long address = room(8L * values.length);
        MemorySegment.copy(
                values, 0, contents.getLast(), ValueLayout.JAVA_DOUBLE, 0, values.length);
        return address;
    }

    /// All values of the piece at an address that one of the methods above returned.
    float[] read(Element type, long address) {
        MemorySegment content = content(address);
        float[] values = new float[(int) (content.byteSize() / type.bytes())];
        for (int i = 0; i < values.length; i++) {
            values[i] =
                    type == Element.F32
                            ? content.getAtIndex(ValueLayout.JAVA_FLOAT, i)
                            : Numbers.value(content.getAtIndex(ValueLayout.JAVA_SHORT, i));
        }
        return values;
    }

    int[] readInts(long address) {
        return content(address).toArray(ValueLayout.JAVA_INT);
    }

    byte[] readBytes(long address) {
        return content(address).toArray(ValueLayout.JAVA_BYTE);
    }

    double readDouble(long address) {
        return content(address).get(ValueLayout.JAVA_DOUBLE, 0);
    }

    private MemorySegment content(long address) {
        return contents.stream().filter(c -> c.address() == address).findFirst().orElseThrow();
    }

    @Override
    public void close() {
        for (MemorySegment piece : pieces) {
            long end = piece.byteSize();
            assertThat(piece.asSlice(0, FENCE).toArray(ValueLayout.JAVA_BYTE))
                    .as("bytes before a tensor")
                    .containsOnly(MARK);
            assertThat(piece.asSlice(end - FENCE, FENCE).toArray(ValueLayout.JAVA_BYTE))
                    .as("bytes after a tensor")
                    .containsOnly(MARK);
        }
        if (pinned) {
            pieces.forEach(piece -> RealGpu.release(piece.address()));
        }
        arena.close();
    }
}
