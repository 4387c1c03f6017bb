package dev.tunesmith.kernels;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MutableCallSite;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/// Which library the operations run in: the CPU's, or a CUDA device's.
///
/// Java calls an operation by one name and one list of arguments wherever it runs. Each is a call
/// site that jumps into the library in use; switching turns all sites at once, so a call on the CPU
/// costs what a direct call costs. A process computes on one device at a time: [#use] is for its
/// start, tests and benches, never while a kernel runs.
public final class Dispatch {
    private static final Map<String, Entry> ENTRIES = new LinkedHashMap<>();
    private static final AtomicReference<@Nullable Target> CURRENT = new AtomicReference<>();

    private Dispatch() {}

    /// A library that has the operations.
    @FunctionalInterface
    public interface Target {
        /// The function of that name. Letters of `signature`, result first: `i` int, `l` long or
        /// address, `f` float, `d` double; the last argument is who works.
        MethodHandle function(String symbol, String signature);
    }

    private record Entry(String signature, MutableCallSite site) {}

    /// A handle that always calls the library in use; `first` is that library if none was chosen.
    public static synchronized MethodHandle function(
            String symbol, String signature, Target first) {
        CURRENT.compareAndSet(null, first);
        Target target = Objects.requireNonNull(CURRENT.get());
        return ENTRIES.computeIfAbsent(
                        symbol,
                        _ ->
                                new Entry(
                                        signature,
                                        new MutableCallSite(target.function(symbol, signature))))
                .site()
                .dynamicInvoker();
    }

    /// Turns every operation, also those that nobody has asked for yet, to a library.
    public static synchronized void use(Target target) {
        CURRENT.set(target);
        ENTRIES.forEach((symbol, entry) ->
                entry.site().setTarget(target.function(symbol, entry.signature())));
        MutableCallSite.syncAll(
                ENTRIES.values().stream().map(Entry::site).toArray(MutableCallSite[]::new));
    }
}
