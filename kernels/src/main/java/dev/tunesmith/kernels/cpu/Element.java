package dev.tunesmith.kernels.cpu;

/// The storage types that kernels read and write; sums are always in fp32.
public enum Element {
    F32(4),
    BF16(2);

    private final int bytes;

    Element(int bytes) {
        this.bytes = bytes;
    }

    public int bytes() {
        return bytes;
    }

    /// The ending of this type's native functions.
    String suffix() {
        return switch (this) {
            case F32 -> "_f32";
            case BF16 -> "_bf16";
        };
    }
}
