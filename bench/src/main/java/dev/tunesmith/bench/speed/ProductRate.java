package dev.tunesmith.bench.speed;

import dev.tunesmith.engine.ops.Products;
import dev.tunesmith.engine.tensor.DType;
import dev.tunesmith.engine.tensor.Device;
import dev.tunesmith.engine.tensor.Region;
import dev.tunesmith.engine.tensor.Tensor;
import dev.tunesmith.kernels.torch.TorchAbi;

/// What this machine gives matrix products and memory reads at this moment: the limits that
/// training and decoding are measured against.
final class ProductRate {
    private static final int SIZE = 2048;
    private static final int TRIES = 4;
    private static final long READ_ELEMENTS = 256L << 20;

    private ProductRate() {}

    /// Floating-point operations a second of the best bf16 product of 2048 × 2048 matrices: ours or
    /// libtorch's, whichever is faster here.
    static double bf16() {
        try (Region region = Region.lasting("product rate")) {
            Tensor x = filled(region);
            Tensor w = filled(region);
            Tensor y = region.tensor(DType.BF16, SIZE, SIZE);
            double own = best(() -> Products.linear(y, x, w));
            double library =
                    Device.current().hostVisible()
                            ? best(() ->
                                    TorchAbi.get().mm(y.handle(), x.handle(), w.transposedHandle()))
                            : own;
            return 2.0 * SIZE * SIZE * SIZE / Math.min(own, library);
        }
    }

    /// Bytes a second that one product of a row with a matrix far larger than any cache reads.
    static double readBytes() {
        try (Region region = Region.lasting("read rate")) {
            long rows = READ_ELEMENTS / SIZE;
            Tensor w = region.zeros(DType.BF16, rows, SIZE);
            Tensor x = region.zeros(DType.BF16, 1, SIZE);
            Tensor y = region.tensor(DType.BF16, 1, rows);
            return w.bytes() / best(() -> Products.linear(y, x, w));
        }
    }

    private static Tensor filled(Region region) {
        Tensor tensor = region.tensor(DType.BF16, SIZE, SIZE);
        float[] values = new float[SIZE * SIZE];
        for (int i = 0; i < values.length; i++) {
            values[i] = (i % 17 - 8) / 8f;
        }
        tensor.set(values);
        return tensor;
    }

    private static double best(Runnable work) {
        double best = Double.MAX_VALUE;
        for (int i = 0; i < TRIES; i++) {
            long start = System.nanoTime();
            work.run();
            Device.current().await();
            best = Math.min(best, (System.nanoTime() - start) / 1e9);
        }
        return best;
    }
}
