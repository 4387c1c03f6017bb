package dev.tunesmith.engine.tensor;

import dev.tunesmith.kernels.torch.TorchAbi;

/// Element types of tensors. Half precision is missing on purpose: its products are unusably slow
/// on every CPU.
public enum DType {
    /// Raw bytes: codes of quantised weights.
    U8(1),
    /// 32-bit float.
    F32(4),
    /// The upper half of a 32-bit float.
    BF16(2),
    /// 32-bit signed integer.
    I32(4),
    /// 64-bit signed integer.
    I64(8);

    private final int bytes;

    DType(int bytes) {
        this.bytes = bytes;
    }

    /// Bytes of one element.
    public int bytes() {
        return bytes;
    }

    int torchCode(TorchAbi torch) {
        return switch (this) {
            case U8 -> torch.uint8;
            case F32 -> torch.float32;
            case BF16 -> torch.bfloat16;
            case I32 -> torch.int32;
            case I64 -> torch.int64;
        };
    }
}
