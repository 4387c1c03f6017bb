package dev.tunesmith.kernels.cpu;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/// The instruction sets that kernels are compiled for, weakest first.
///
/// The same level gives the same bits; another one differs in the last bits, so the level is
/// recorded with every checkpoint and figure.
public enum CpuLevel {
    SCALAR(0),
    AVX2(1),
    AVX512(2),
    AVX512BF16(3),
    AMX(4);

    private final int code;

    CpuLevel(int code) {
        this.code = code;
    }

    /// The number that the native side knows it by.
    int code() {
        return code;
    }

    static CpuLevel ofCode(int code) {
        return Arrays.stream(values())
                .filter(level -> level.code == code)
                .findFirst()
                .orElseThrow();
    }

    /// The name used in `TUNESMITH_CPU_ISA`, logs and manifests.
    public String wire() {
        return name().toLowerCase(Locale.ROOT);
    }

    /// All levels that this machine can run, weakest first.
    public static List<CpuLevel> available() {
        return Arrays.stream(values()).filter(CpuKernels::supports).toList();
    }
}
