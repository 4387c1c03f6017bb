package dev.tunesmith.kernels.cuda;

import dev.tunesmith.kernels.Invocation;
import dev.tunesmith.kernels.KernelException;
import dev.tunesmith.kernels.NativeLibrary;
import dev.tunesmith.kernels.NativeSignature;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/// Matrix products of row-major matrices by cuBLAS, which thinks in columns: a row-major matrix is
/// its transpose there, so it is asked for cᵀ = bᵀ·aᵀ.
///
/// Sums are in fp32; fp32 operands are not rounded to TF32.
public final class CuBlas {
    private static final int COMPUTE_32F = 68;
    private static final int DEFAULT_ALGORITHM = -1;

    /// The folder that `libcublas` is looked for in, beside those of a PyTorch installation.
    private static final String FOLDER_SETTING = "TUNESMITH_CUDA_LIBRARIES";

    /// The `lib` folder of libtorch, for example of an installed PyTorch wheel.
    private static final String TORCH_SETTING = "TUNESMITH_LIBTORCH";

    private static final List<String> FILES = List.of("libcublas.so.13", "libcublas.so.12");

    private final MethodHandle multiply;
    private final MethodHandle setStream;
    private final long handle;
    private final Arena arena = Arena.ofAuto();
    private final MemorySegment factors = arena.allocate(ValueLayout.JAVA_FLOAT, 2);

    private CuBlas(NativeLibrary library) {
        this.multiply =
                function(
                        library,
                        "cublasGemmEx",
                        "il" + "ii" + "iii" + "l" + "lii" + "lii" + "l" + "lii" + "ii");
        this.setStream = function(library, "cublasSetStream_v2", "ill");
        MethodHandle create = function(library, "cublasCreate_v2", "il");
        MemorySegment place = arena.allocate(ValueLayout.JAVA_LONG);
        check("cublasCreate", () -> (int) create.invokeExact(place.address()));
        this.handle = place.get(ValueLayout.JAVA_LONG, 0);
    }

    private static MethodHandle function(NativeLibrary library, String symbol, String signature) {
        return library.function(symbol, NativeSignature.descriptor(signature));
    }

    /// Opens a library file.
    public static CuBlas open(Path file) {
        return new CuBlas(NativeLibrary.open(file));
    }

    /// The first cuBLAS of the folders that the environment names: `TUNESMITH_CUDA_LIBRARIES`, the
    /// libraries that came with the PyTorch of `TUNESMITH_LIBTORCH`, the usual place of a toolkit.
    public static Optional<CuBlas> find(Map<String, String> environment) {
        return folders(environment)
                .flatMap(folder -> FILES.stream().map(folder::resolve))
                .filter(Files::exists)
                .findFirst()
                .map(CuBlas::open);
    }

    private static Stream<Path> folders(Map<String, String> environment) {
        Stream<Path> own = Stream.ofNullable(environment.get(FOLDER_SETTING)).map(Path::of);
        Stream<Path> torch =
                Stream.ofNullable(environment.get(TORCH_SETTING))
                        .map(Path::of)
                        .flatMap(CuBlas::besideTorch);
        return Stream.of(own, torch, Stream.of(Path.of("/usr/local/cuda/lib64"))).flatMap(s -> s);
    }

    /// A wheel has `torch/lib`, and beside `torch` a folder `nvidia/…/lib` for each CUDA library.
    private static Stream<Path> besideTorch(Path lib) {
        Path packages = lib.resolve("../../nvidia").normalize();
        if (!Files.isDirectory(packages)) {
            return Stream.of(lib);
        }
        try (Stream<Path> children = Files.list(packages)) {
            List<Path> folders = children.map(child -> child.resolve("lib")).toList();
            return Stream.concat(Stream.of(lib), folders.stream());
        } catch (IOException e) {
            throw new UncheckedIOException("listing " + packages, e);
        }
    }

    /// Later products run on that stream.
    public void use(CudaStream stream) {
        check("cublasSetStream", () -> (int) setStream.invokeExact(handle, stream.handle()));
    }

    /// Types that matrices may have.
    public enum Type {
        F32(0),
        BF16(14);

        private final int code;

        Type(int code) {
            this.code = code;
        }
    }

    /// A row-major matrix, read as its transpose if so marked.
    ///
    /// @param stride elements from one row to the next
    public record Matrix(long address, long stride, Type type, boolean transposed) {}

    /// The sides of a product: c is rows × columns.
    public record Size(long rows, long columns, long inner) {}

    /// c = alpha · a · b + beta · c.
    public void multiply(Matrix c, Matrix a, Matrix b, Size size, float alpha, float beta) {
        factors.setAtIndex(ValueLayout.JAVA_FLOAT, 0, alpha);
        factors.setAtIndex(ValueLayout.JAVA_FLOAT, 1, beta);
        check(
                "cublasGemmEx of " + size,
                () ->
                        (int)
                                multiply.invokeExact(
                                        handle,
                                        b.transposed ? 1 : 0,
                                        a.transposed ? 1 : 0,
                                        Math.toIntExact(size.columns),
                                        Math.toIntExact(size.rows),
                                        Math.toIntExact(size.inner),
                                        factors.address(),
                                        b.address,
                                        b.type.code,
                                        Math.toIntExact(b.stride),
                                        a.address,
                                        a.type.code,
                                        Math.toIntExact(a.stride),
                                        factors.address() + Float.BYTES,
                                        c.address,
                                        c.type.code,
                                        Math.toIntExact(c.stride),
                                        COMPUTE_32F,
                                        DEFAULT_ALGORITHM));
    }

    private static void check(String function, Invocation.IntCall call) {
        int status = Invocation.status(function, call);
        if (status != 0) {
            throw new KernelException(
                    KernelException.Code.CALL, "%s: cuBLAS status %d".formatted(function, status));
        }
    }
}
