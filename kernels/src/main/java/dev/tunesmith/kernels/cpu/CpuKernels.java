package dev.tunesmith.kernels.cpu;

import dev.tunesmith.kernels.Dispatch;
import dev.tunesmith.kernels.Invocation;
import dev.tunesmith.kernels.KernelException;
import dev.tunesmith.kernels.NativeDirectory;
import dev.tunesmith.kernels.NativeLibrary;
import dev.tunesmith.kernels.NativeSignature;
import java.lang.invoke.MethodHandle;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/// The opened library of CPU kernels: which instruction set it uses, and its functions.
public final class CpuKernels {
    private static final String RESOURCE_FOLDER = "native/linux-x86_64/";
    private static final String FILE = "libtunesmith_cpu.so";
    private static final NativeLibrary LIBRARY = open();
    private static final MethodHandle LEVEL = own("ts_cpu_level", "i");
    private static final MethodHandle TILE_LEVEL = own("ts_cpu_tile_level", "i");
    private static final MethodHandle SUPPORTS = own("ts_cpu_supports", "ii");
    private static final MethodHandle SELECT = own("ts_cpu_select", "ii");
    private static final int THREADS = teamSize();

    private CpuKernels() {}

    /// The level in use: the best of this machine, or the one that `TUNESMITH_CPU_ISA` names.
    public static CpuLevel level() {
        checkForced(System.getenv());
        return CpuLevel.ofCode(query(() -> (int) LEVEL.invokeExact()));
    }

    /// The level of attention's tile products; below [#level] where the processor's bf16 products
    /// are slower than its fp32 ones. Part of what must be equal for equal bits.
    public static CpuLevel tileLevel() {
        return CpuLevel.ofCode(query(() -> (int) TILE_LEVEL.invokeExact()));
    }

    private static void checkForced(Map<String, String> environment) {
        String forced = environment.get("TUNESMITH_CPU_ISA");
        boolean known =
                forced == null
                        || CpuLevel.available().stream().anyMatch(l -> l.wire().equals(forced));
        if (!known) {
            throw new KernelException(
                    KernelException.Code.BAD_ARGUMENT,
                    "TUNESMITH_CPU_ISA is '%s', but this machine offers %s"
                            .formatted(forced, CpuLevel.available()));
        }
    }

    /// Whether processor, hypervisor and kernel all allow this level.
    public static boolean supports(CpuLevel level) {
        return query(() -> (int) SUPPORTS.invokeExact(level.code())) != 0;
    }

    /// Switches every kernel to a level. For tests and benches: not safe while a kernel runs.
    public static void select(CpuLevel level) {
        if (query(() -> (int) SELECT.invokeExact(level.code())) != 0) {
            throw new KernelException(
                    KernelException.Code.BAD_ARGUMENT,
                    "CPU level '%s' was asked for, but this machine offers %s"
                            .formatted(level.wire(), CpuLevel.available()));
        }
    }

    /// The size of the OpenMP team: the processors of this process's cpuset, or `OMP_NUM_THREADS`.
    public static int threads() {
        return THREADS;
    }

    private static int teamSize() {
        MethodHandle most = own("omp_get_max_threads", "i");
        return query(() -> (int) most.invokeExact());
    }

    private static int query(Invocation.IntCall call) {
        return Status.run("ts_cpu_level", call);
    }

    /// A function of the CPU library alone.
    private static MethodHandle own(String symbol, String signature) {
        return LIBRARY.function(symbol, NativeSignature.descriptor(signature));
    }

    /// A function of the library in use, see [Dispatch]. Letters of `signature`, result first: `i`
    /// int, `l` long or address, `f` float, `d` double.
    static MethodHandle plain(String symbol, String signature) {
        return Dispatch.function(symbol, signature, CpuKernels::own);
    }

    /// Turns every operation back to the CPU.
    public static void use() {
        Dispatch.use(CpuKernels::own);
    }

    /// The fp32 and the bf16 twin of one function, arguments only: the result is a status.
    static Kernel kernel(String operation, String arguments) {
        return new Kernel(
                plain("ts_" + operation + Element.F32.suffix(), "i" + arguments),
                plain("ts_" + operation + Element.BF16.suffix(), "i" + arguments));
    }

    /// Opens libtorch's OpenMP runtime first where it is on the class path, so that both libraries
    /// bind to one copy; it is what the system has otherwise.
    private static NativeLibrary open() {
        NativeDirectory directory = NativeDirectory.of(System.getenv());
        Path folder = directory.unpack("cpu", List.of(RESOURCE_FOLDER + FILE));
        NativeLibrary.openMp(directory);
        return NativeLibrary.open(folder.resolve(FILE));
    }

    /// One operation in both storage types.
    record Kernel(MethodHandle f32, MethodHandle bf16) {
        MethodHandle of(Element type) {
            return type == Element.BF16 ? bf16 : f32;
        }
    }
}
