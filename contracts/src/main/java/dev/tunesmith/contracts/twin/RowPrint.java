package dev.tunesmith.contracts.twin;

import java.util.Iterator;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// Fingerprints of a row, 64 bits each: among a hundred million rows one false match is expected to
/// occur once in three thousand files.
///
/// @param exact equal for the same values under the same keys
/// @param normalised equal for the same letters and digits under the same keys
public record RowPrint(long exact, long normalised) {

    private static final long EXACT_SEED = 0x9E3779B97F4A7C15L;
    private static final long NORMALISED_SEED = 0xC2B2AE3D27D4EB4FL;
    private static final long FACTOR = 0x9FB21C651E98DF25L;
    private static final byte[] PLAIN = ascii();

    private static byte[] ascii() {
        byte[] plain = new byte[128];
        for (char c = 0; c < plain.length; c++) {
            plain[c] = (byte) plain(c);
        }
        return plain;
    }

    /// The fingerprints of a row of any shape.
    public static RowPrint of(Map<?, ?> row) {
        return of((Object) row);
    }

    private static RowPrint of(@Nullable Object value) {
        return switch (value) {
            case null -> new RowPrint(EXACT_SEED, NORMALISED_SEED);
            case String text -> new RowPrint(exact(text), normalised(text));
            case Map<?, ?> map -> ofMap(map);
            case List<?> list -> ofList(list);
            default -> {
                long print = exact(value.toString()) ^ FACTOR;
                yield new RowPrint(print, print);
            }
        };
    }

    /// A sum, so that the order of keys does not count.
    private static RowPrint ofMap(Map<?, ?> map) {
        long exact = map.size();
        long normalised = map.size();
        for (Map.Entry<?, ?> entry : map.entrySet()) {
            long key = exact(entry.getKey().toString());
            RowPrint value = of(entry.getValue());
            exact += mixed((key * FACTOR) ^ value.exact);
            normalised += mixed((key * FACTOR) ^ value.normalised);
        }
        return new RowPrint(mixed(exact), mixed(normalised));
    }

    private static RowPrint ofList(List<?> list) {
        long exact = EXACT_SEED ^ list.size();
        long normalised = NORMALISED_SEED ^ list.size();
        for (Iterator<?> values = list.iterator(); values.hasNext(); ) {
            RowPrint value = of(values.next());
            exact = mixed(exact * FACTOR + value.exact);
            normalised = mixed(normalised * FACTOR + value.normalised);
        }
        return new RowPrint(exact, normalised);
    }

    /// The hash of a text as it is.
    static long exact(String text) {
        long hash = EXACT_SEED ^ text.length();
        int length = text.length();
        int i = 0;
        for (; i + 4 <= length; i += 4) {
            long four =
                    text.charAt(i)
                            | ((long) text.charAt(i + 1) << 16)
                            | ((long) text.charAt(i + 2) << 32)
                            | ((long) text.charAt(i + 3) << 48);
            hash = (hash ^ four) * FACTOR;
            hash ^= hash >>> 29;
        }
        for (; i < length; i++) {
            hash = (hash ^ text.charAt(i)) * FACTOR;
        }
        return mixed(hash);
    }

    /// The hash of the letters and digits of a text, in small letters.
    static long normalised(String text) {
        long hash = NORMALISED_SEED;
        long four = 0;
        int length = text.length();
        for (int i = 0; i < length; i++) {
            char c = text.charAt(i);
            int plain = c < 128 ? PLAIN[c] : plain(c);
            if (plain != 0) {
                // A word of four letters is full when its highest ones are in place.
                four = (four << 16) | plain;
                if (four >>> 48 != 0) {
                    hash = (hash ^ four) * FACTOR;
                    hash ^= hash >>> 29;
                    four = 0;
                }
            }
        }
        return mixed((hash ^ four) * FACTOR);
    }

    /// The small form of a letter or digit, half of a pair as it is; 0 for everything else.
    static int plain(char c) {
        if (c < 128) {
            if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) {
                return c;
            }
            return c >= 'A' && c <= 'Z' ? c + 32 : 0;
        }
        if (Character.isSurrogate(c)) {
            return c;
        }
        return Character.isLetterOrDigit(c) ? Character.toLowerCase(c) : 0;
    }

    /// The end of MurmurHash3: every bit of the input changes half of the output.
    static long mixed(long value) {
        long hash = (value ^ (value >>> 33)) * 0xFF51AFD7ED558CCDL;
        hash = (hash ^ (hash >>> 33)) * 0xC4CEB9FE1A85EC53L;
        return hash ^ (hash >>> 33);
    }
}
