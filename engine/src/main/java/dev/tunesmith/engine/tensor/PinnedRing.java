package dev.tunesmith.engine.tensor;

import dev.tunesmith.kernels.NativeMemory;
import dev.tunesmith.kernels.cuda.CudaStream;
import java.lang.foreign.MemorySegment;
import java.util.OptionalLong;

/// Host memory that a device reads while the host goes on: what is to be uploaded is copied into
/// it, one after the other, and only when its end is reached the host waits once.
final class PinnedRing {
    private static final long BYTES = 8L << 20;

    /// What takes more is not worth copying twice.
    private static final long PIECE_MAX = BYTES / 8;

    private static final long ALIGNMENT = 64;

    private final CudaStream stream;
    private long start;
    private long used;

    PinnedRing(CudaStream stream) {
        this.stream = stream;
    }

    /// Where a copy of the bytes lies until as many others have followed as the ring holds; empty
    /// if they are too many.
    OptionalLong put(MemorySegment bytes) {
        long size = bytes.byteSize();
        if (size > PIECE_MAX) {
            return OptionalLong.empty();
        }
        if (start == 0) {
            start = stream.allocateHost(BYTES);
        }
        if (used + size > BYTES) {
            stream.await();
            used = 0;
        }
        long address = start + used;
        NativeMemory.at(address, size).copyFrom(bytes);
        used = Math.ceilDiv(used + size, ALIGNMENT) * ALIGNMENT;
        return OptionalLong.of(address);
    }
}
