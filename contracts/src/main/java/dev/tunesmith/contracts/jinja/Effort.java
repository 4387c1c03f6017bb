package dev.tunesmith.contracts.jinja;

import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.util.Collection;
import java.util.Map;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// What one run of a template has used up, counted where the work is done.
///
/// A step of the interpreter is not always short: a comparison walks over whole values, a search
/// over a whole text. Each of these says what it is about to do, and a run that did too much ends.
/// One unit is about the work on one item of a list or on 64 characters.
///
/// Units are the same on every machine, so what they refuse does not depend on it. Time is looked
/// at too, the thread's own, so that a busy machine does not matter, or the clock's where a virtual
/// thread has none: it is short for a run that used up more than any honest template needs, and
/// long enough for code that runs for the first time otherwise.
public final class Effort {
    private static final long UNITS_MAX = 250_000;

    /// Units that no honest template needs; behind them time is short.
    private static final long UNITS_FREE = 62_500;

    private static final long UNITS_BETWEEN_LOOKS = 2_000;
    private static final long NANOS_MAX = 80_000_000;
    private static final long NANOS_FREE_MAX = 1_000_000_000;
    private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();
    private static final int CHARS_OF_A_UNIT = 64;
    private static final int BITS_OF_A_UNIT = 256;

    private static final ThreadLocal<@Nullable Effort> RUNNING = new ThreadLocal<>();

    private final LongSupplier clock;
    private final long begin;
    private long units;
    private long nextLook = UNITS_BETWEEN_LOOKS;

    private Effort(LongSupplier clock) {
        this.clock = clock;
        this.begin = clock.getAsLong();
    }

    private static long time() {
        return Thread.currentThread().isVirtual()
                ? System.nanoTime()
                : THREADS.getCurrentThreadCpuTime();
    }

    /// Runs with a count of its own.
    ///
    /// Whatever fails in a template fails as a [TemplateException]: also values that nest deeper
    /// than the stack of the thread, and arguments that a method of the JDK refuses.
    public static <T> T counted(Supplier<T> run) {
        return counted(run, Effort::time);
    }

    /// The same by another clock, of nanoseconds.
    public static <T> T counted(Supplier<T> run, LongSupplier clock) {
        Effort outer = RUNNING.get();
        RUNNING.set(new Effort(clock));
        try {
            return run.get();
        } catch (StackOverflowError _) {
            throw Limits.reached("values or calls nest too deeply");
        } catch (IllegalArgumentException
                | IndexOutOfBoundsException
                | ArithmeticException failure) {
            throw TemplateException.runtime("an argument cannot be used: " + failure.getMessage());
        } finally {
            RUNNING.set(outer);
        }
    }

    /// Work on that many items.
    public static void items(long count) {
        Effort effort = RUNNING.get();
        if (effort != null) {
            effort.units += count;
            if (effort.units > UNITS_MAX) {
                throw Limits.reached("more work than a template may cause");
            }
            if (effort.units > effort.nextLook) {
                effort.nextLook = effort.units + UNITS_BETWEEN_LOOKS;
                effort.requireTime(effort.units > UNITS_FREE);
            }
        }
    }

    /// Fails if a run takes too long.
    ///
    /// @param much whether it took more steps than any honest template needs
    public static void look(boolean much) {
        Effort effort = RUNNING.get();
        if (effort != null) {
            effort.requireTime(much || effort.units > UNITS_FREE);
        }
    }

    private void requireTime(boolean much) {
        if (clock.getAsLong() - begin > (much ? NANOS_MAX : NANOS_FREE_MAX)) {
            throw Limits.reached("more time than a template may take");
        }
    }

    /// Work on a text.
    public static void text(String text) {
        items(text.length() / CHARS_OF_A_UNIT);
    }

    /// Work on a text that takes several times as long for each character as a search.
    public static void slowText(String text) {
        items(text.length() / (CHARS_OF_A_UNIT / 4));
    }

    /// Multiplying, dividing, reading or writing whole numbers of that many bits.
    public static void number(long bits) {
        long parts = bits / BITS_OF_A_UNIT;
        items(parts * parts / 4);
    }

    /// Work on a value as a whole, but not on what its items consist of.
    public static void value(Object value) {
        switch (value) {
            case String text -> text(text);
            case Collection<?> list -> items(list.size() / 4);
            case Map<?, ?> map -> items(map.size() / 4);
            default -> {}
        }
    }
}
