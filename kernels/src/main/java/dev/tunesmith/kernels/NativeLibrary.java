package dev.tunesmith.kernels;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/// An opened shared library whose symbols are visible to every library opened after it.
///
/// The JDK's own lookup opens libraries privately; libtorch and our kernels must see one common
/// OpenMP runtime, so they are opened with `dlopen(RTLD_NOW | RTLD_GLOBAL)`, in the order that
/// their dependencies need. A library stays open until the process ends.
public final class NativeLibrary {
    private static final int RTLD_NOW = 2;
    private static final int RTLD_GLOBAL = 0x100;
    private static final MethodHandle DLOPEN =
            libc(
                    "dlopen",
                    FunctionDescriptor.of(
                            ValueLayout.ADDRESS, ValueLayout.ADDRESS, ValueLayout.JAVA_INT));
    private static final MethodHandle DLSYM =
            libc(
                    "dlsym",
                    FunctionDescriptor.of(
                            ValueLayout.ADDRESS, ValueLayout.ADDRESS, ValueLayout.ADDRESS));
    private static final MethodHandle DLERROR =
            libc("dlerror", FunctionDescriptor.of(ValueLayout.ADDRESS));

    private final Path file;
    private final MemorySegment handle;

    private NativeLibrary(Path file, MemorySegment handle) {
        this.file = file;
        this.handle = handle;
    }

    /// Opens a file; opening it again is harmless.
    public static NativeLibrary open(Path file) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment handle =
                    (MemorySegment)
                            DLOPEN.invokeExact(
                                    arena.allocateFrom(file.toString()), RTLD_NOW | RTLD_GLOBAL);
            if (handle.address() == 0) {
                throw new KernelException(
                        KernelException.Code.LIBRARY,
                        "opening native library %s: %s".formatted(file, lastError()));
            }
            return new NativeLibrary(file, handle);
        } catch (KernelException e) {
            throw e;
        } catch (Throwable e) {
            throw callFailed("dlopen", e);
        }
    }

    /// Opens the OpenMP runtime that libtorch ships, when it is on the class path, so that every
    /// library opened later binds to this one copy. Without it the system's own is used.
    public static void openMp(NativeDirectory directory) {
        String resource = "org/bytedeco/pytorch/linux-x86_64/libgomp.so.1";
        if (NativeLibrary.class.getClassLoader().getResource(resource) != null) {
            shortenSpinning();
            open(directory.unpack("openmp", List.of(resource)).resolve("libgomp.so.1"));
        }
    }

    /// A thread that waits for others of its team spins before it sleeps, by default for so long
    /// that on a shared machine it takes the processor from the very thread it waits for (a step
    /// took twice the processor time). The runtime reads its settings while it is opened.
    private static void shortenSpinning() {
        if (System.getenv("OMP_WAIT_POLICY") != null || System.getenv("GOMP_SPINCOUNT") != null) {
            return;
        }
        MethodHandle setenv =
                libc(
                        "setenv",
                        FunctionDescriptor.of(
                                ValueLayout.JAVA_INT,
                                ValueLayout.ADDRESS,
                                ValueLayout.ADDRESS,
                                ValueLayout.JAVA_INT));
        try (Arena arena = Arena.ofConfined()) {
            int _ =
                    (int)
                            setenv.invokeExact(
                                    arena.allocateFrom("GOMP_SPINCOUNT"),
                                    arena.allocateFrom("20000"),
                                    0);
        } catch (Throwable e) {
            throw callFailed("setenv", e);
        }
    }

    public Path file() {
        return file;
    }

    /// A callable for an exported function; its absence is a broken library.
    public MethodHandle function(String symbol, FunctionDescriptor descriptor) {
        return find(symbol, descriptor)
                .orElseThrow(() ->
                        new KernelException(
                                KernelException.Code.LIBRARY,
                                "library %s does not export '%s'; it was built from other sources"
                                        .formatted(file, symbol)));
    }

    /// A callable for a function that only some versions of the library export.
    @SuppressWarnings("restricted")
    public Optional<MethodHandle> find(String symbol, FunctionDescriptor descriptor) {
        return address(symbol)
                .map(address -> Linker.nativeLinker().downcallHandle(address, descriptor));
    }

    /// The address of an exported function or variable.
    public Optional<MemorySegment> address(String symbol) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment address =
                    (MemorySegment) DLSYM.invokeExact(handle, arena.allocateFrom(symbol));
            return address.address() == 0 ? Optional.empty() : Optional.of(address);
        } catch (Throwable e) {
            throw callFailed("dlsym", e);
        }
    }

    @SuppressWarnings("restricted")
    private static String lastError() throws Throwable {
        MemorySegment text = (MemorySegment) DLERROR.invokeExact();
        return text.address() == 0
                ? "no reason given"
                : text.reinterpret(Long.MAX_VALUE).getString(0);
    }

    @SuppressWarnings("restricted")
    private static MethodHandle libc(String symbol, FunctionDescriptor descriptor) {
        Linker linker = Linker.nativeLinker();
        return linker.downcallHandle(
                linker.defaultLookup()
                        .find(symbol)
                        .orElseThrow(() ->
                                new KernelException(
                                        KernelException.Code.LIBRARY,
                                        "the C library has no '%s'; Linux on x86-64 with glibc is needed"
                                                .formatted(symbol))),
                descriptor);
    }

    private static KernelException callFailed(String function, Throwable cause) {
        return new KernelException(
                KernelException.Code.CALL, "calling %s failed".formatted(function), cause);
    }
}
