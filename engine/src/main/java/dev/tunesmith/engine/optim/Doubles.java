package dev.tunesmith.engine.optim;

import dev.tunesmith.engine.tensor.DType;
import dev.tunesmith.engine.tensor.Region;
import dev.tunesmith.engine.tensor.Tensor;
import java.lang.foreign.ValueLayout;

/// A few 64-bit numbers of an optimizer's state, kept bit for bit: checkpoints hold them as whole
/// numbers of the same bits.
final class Doubles {

    private final Tensor bits;

    Doubles(Region region, int count) {
        this.bits = region.zeros(DType.I64, count);
    }

    double get(int at) {
        return Double.longBitsToDouble(
                bits.bytesOnHost().get(ValueLayout.JAVA_LONG_UNALIGNED, 8L * at));
    }

    void set(int at, double value) {
        long[] all = bits.bytesOnHost().toArray(ValueLayout.JAVA_LONG_UNALIGNED);
        all[at] = Double.doubleToRawLongBits(value);
        bits.set(all);
    }

    Tensor tensor() {
        return bits;
    }
}
