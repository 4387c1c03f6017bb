package dev.tunesmith.kernels;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.concurrent.atomic.AtomicBoolean;

/// A block of memory outside the Java heap: page-aligned, zero at first, on huge pages where the
/// system has them. Pages cost nothing until they are touched.
///
/// Huge pages matter: filling fresh 4 KiB pages is about ten times slower than filling memory that
/// is already mapped.
public final class NativeMemory implements AutoCloseable {

    private static final Linker LINKER = Linker.nativeLinker();
    private static final int PROT_READ_WRITE = 3;
    private static final int MAP_PRIVATE_ANONYMOUS = 0x22;
    private static final int MADV_DONTNEED = 4;
    private static final int MADV_HUGEPAGE = 14;
    private static final int MADV_POPULATE_WRITE = 23;
    private static final long PAGE = 4096;
    private static final long HUGE_PAGE = 2L << 20;
    private static final MethodHandle MMAP =
            handle(
                    "mmap",
                    FunctionDescriptor.of(
                            ValueLayout.JAVA_LONG,
                            ValueLayout.JAVA_LONG,
                            ValueLayout.JAVA_LONG,
                            ValueLayout.JAVA_INT,
                            ValueLayout.JAVA_INT,
                            ValueLayout.JAVA_INT,
                            ValueLayout.JAVA_LONG));
    private static final MethodHandle MUNMAP =
            handle(
                    "munmap",
                    FunctionDescriptor.of(
                            ValueLayout.JAVA_INT, ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG));
    private static final MethodHandle MADVISE =
            handle(
                    "madvise",
                    FunctionDescriptor.of(
                            ValueLayout.JAVA_INT,
                            ValueLayout.JAVA_LONG,
                            ValueLayout.JAVA_LONG,
                            ValueLayout.JAVA_INT));

    private final long mapped;
    private final long mappedBytes;
    private final long address;
    private final long bytes;
    private final AtomicBoolean open = new AtomicBoolean(true);

    private NativeMemory(long mapped, long mappedBytes, long address, long bytes) {
        this.mapped = mapped;
        this.mappedBytes = mappedBytes;
        this.address = address;
        this.bytes = bytes;
    }

    /// The size of pages that are wanted.
    public enum Pages {
        /// For what is written first when there is no time to lose: large pages that nobody has
        /// touched since the machine started can take six times as long to become ready.
        ORDINARY,
        /// For what is read over and over: 2 MiB each, where the system has such pages.
        LARGE
    }

    /// Maps at least one and at most `bytes` rounded up to whole pages, large ones if possible.
    public static NativeMemory allocate(long bytes) {
        return allocate(bytes, Pages.LARGE);
    }

    /// Maps at least one and at most `bytes` rounded up to whole pages.
    public static NativeMemory allocate(long bytes, Pages pages) {
        if (bytes < 0) {
            throw new IllegalArgumentException("cannot map %d bytes".formatted(bytes));
        }
        boolean huge = pages == Pages.LARGE && bytes >= 2 * HUGE_PAGE;
        long rounded = roundUp(Math.max(bytes, 1), huge ? HUGE_PAGE : 4096);
        long mappedBytes = huge ? rounded + HUGE_PAGE : rounded;
        try {
            long mapped =
                    (long)
                            MMAP.invokeExact(
                                    0L,
                                    mappedBytes,
                                    PROT_READ_WRITE,
                                    MAP_PRIVATE_ANONYMOUS,
                                    -1,
                                    0L);
            if (mapped == -1) {
                throw new OutOfMemoryError("the system refused to map %d bytes".formatted(bytes));
            }
            long address = huge ? roundUp(mapped, HUGE_PAGE) : mapped;
            if (huge) {
                // Advice only: a kernel without huge pages refuses it and nothing else changes.
                int _ = (int) MADVISE.invokeExact(address, rounded, MADV_HUGEPAGE);
            }
            return new NativeMemory(mapped, mappedBytes, address, rounded);
        } catch (OutOfMemoryError e) {
            throw e;
        } catch (Throwable e) {
            throw new IllegalStateException("mmap of %d bytes".formatted(bytes), e);
        }
    }

    /// Takes the pages of a mapped file out of this process; they come back from the file when they
    /// are read again. Only whole pages inside the segment are meant.
    public static void forget(MemorySegment mapped) {
        long from = roundUp(mapped.address(), PAGE);
        long end = (mapped.address() + mapped.byteSize()) / PAGE * PAGE;
        if (!mapped.isMapped() || end <= from) {
            return;
        }
        try {
            int _ = (int) MADVISE.invokeExact(from, end - from, MADV_DONTNEED);
        } catch (Throwable e) {
            throw new IllegalStateException("madvise of %d bytes".formatted(end - from), e);
        }
    }

    /// Makes pages ready that nobody has touched yet; what was written stays. Kernels before 5.14
    /// refuse it, and whoever writes first waits there.
    public void makeReady(long offset, long length) {
        if (offset < 0 || length < 0 || offset > bytes - length) {
            throw new IllegalArgumentException(
                    "%d bytes at %d of a block of %d".formatted(length, offset, bytes));
        }
        try {
            int _ = (int) MADVISE.invokeExact(address + offset, length, MADV_POPULATE_WRITE);
        } catch (Throwable e) {
            throw new IllegalStateException("madvise of %d bytes".formatted(length), e);
        }
    }

    /// A view of `bytes` bytes at any address; nothing checks that they exist.
    @SuppressWarnings("restricted")
    public static MemorySegment at(long address, long bytes) {
        return MemorySegment.ofAddress(address).reinterpret(bytes);
    }

    /// First byte.
    public long address() {
        return address;
    }

    /// Usable bytes, at least as many as were asked for.
    public long bytes() {
        return bytes;
    }

    /// The whole block.
    public MemorySegment segment() {
        return at(address, bytes);
    }

    /// Unmaps the block; a second call does nothing.
    @Override
    public void close() {
        if (!open.getAndSet(false)) {
            return;
        }
        try {
            int _ = (int) MUNMAP.invokeExact(mapped, mappedBytes);
        } catch (Throwable e) {
            throw new IllegalStateException("munmap of %d bytes".formatted(mappedBytes), e);
        }
    }

    private static long roundUp(long value, long unit) {
        return Math.ceilDiv(value, unit) * unit;
    }

    @SuppressWarnings("restricted")
    private static MethodHandle handle(String name, FunctionDescriptor type) {
        return LINKER.downcallHandle(LINKER.defaultLookup().find(name).orElseThrow(), type);
    }
}
