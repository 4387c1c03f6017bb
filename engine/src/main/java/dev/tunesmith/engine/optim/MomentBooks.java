package dev.tunesmith.engine.optim;

import dev.tunesmith.engine.ops.CodeBook;
import dev.tunesmith.engine.tensor.DType;
import dev.tunesmith.engine.tensor.Device;
import dev.tunesmith.engine.tensor.Region;
import dev.tunesmith.engine.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/// The two code books of 8-bit moments where kernels read them: the same for all tensors of a
/// process, which computes on one device.
final class MomentBooks {
    private static final AtomicReference<@Nullable MomentBooks> LATEST = new AtomicReference<>();

    private final Device device;
    private final MemorySegment addresses;

    private MomentBooks(Device device, Region region) {
        this.device = device;
        // The addresses are read by the host, the numbers by the device.
        this.addresses = region.onHost(6L * Long.BYTES);
        int at = 0;
        for (CodeBook book : new CodeBook[] {CodeBook.SIGNED, CodeBook.UNSIGNED}) {
            // One more than there are, so that all lines of the table are as long.
            float[] middles = Arrays.copyOf(book.middles(), 256);
            Tensor fronts = region.tensor(DType.U8, 1 << 16);
            fronts.setBytes(MemorySegment.ofArray(book.ofBfloat16()));
            put(at++, region.floats(book.values(), 256));
            put(at++, region.floats(middles, 256));
            put(at++, fronts);
        }
    }

    private void put(int at, Tensor tensor) {
        addresses.setAtIndex(ValueLayout.JAVA_LONG, at, tensor.address());
    }

    static MomentBooks ofCurrentDevice() {
        MomentBooks latest = LATEST.get();
        if (latest == null || latest.device != Device.current()) {
            latest =
                    new MomentBooks(
                            Device.current(), Region.lasting("code books of 8-bit moments"));
            LATEST.set(latest);
        }
        return latest;
    }

    /// Of six addresses: values, middles and codes of all bf16 numbers, of both books.
    long address() {
        return addresses.address();
    }
}
