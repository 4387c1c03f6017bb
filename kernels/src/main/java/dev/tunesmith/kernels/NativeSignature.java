package dev.tunesmith.kernels;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.ValueLayout;

/// Types of a native function as letters, result first: `i` int, `l` long or address, `f` float,
/// `d` double.
public final class NativeSignature {
    private NativeSignature() {}

    /// What the linker needs.
    public static FunctionDescriptor descriptor(String letters) {
        MemoryLayout[] arguments =
                letters.substring(1)
                        .chars()
                        .mapToObj(NativeSignature::layout)
                        .toArray(MemoryLayout[]::new);
        return FunctionDescriptor.of(layout(letters.charAt(0)), arguments);
    }

    private static MemoryLayout layout(int letter) {
        return switch (letter) {
            case 'i' -> ValueLayout.JAVA_INT;
            case 'l' -> ValueLayout.JAVA_LONG;
            case 'f' -> ValueLayout.JAVA_FLOAT;
            case 'd' -> ValueLayout.JAVA_DOUBLE;
            default -> throw new IllegalArgumentException("no layout for letter " + (char) letter);
        };
    }
}
