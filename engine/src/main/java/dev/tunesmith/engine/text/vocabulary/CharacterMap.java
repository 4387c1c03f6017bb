package dev.tunesmith.engine.text.vocabulary;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayDeque;
import java.util.BitSet;
import java.util.Deque;

/// The compiled rules of normalisation that SentencePiece stores: the size of a double-array trie
/// in bytes, its units, and the replacements, each up to a zero.
///
/// The library of tokenizers follows the units unchecked and ends the process where they lead
/// outside; this walks every way through them first.
final class CharacterMap {
    private static final int LABELS = 256;

    private final ByteBuffer bytes;
    private final int units;

    private CharacterMap(ByteBuffer bytes, int units) {
        this.bytes = bytes;
        this.units = units;
    }

    /// Whether no text leads outside of the map.
    static boolean isSound(byte[] map) {
        ByteBuffer bytes = ByteBuffer.wrap(map).order(ByteOrder.LITTLE_ENDIAN);
        if (map.length < Integer.BYTES) {
            return false;
        }
        int size = bytes.getInt(0);
        if (size < Integer.BYTES * LABELS
                || size % Integer.BYTES != 0
                || size > map.length - Integer.BYTES) {
            return false;
        }
        return new CharacterMap(bytes, size / Integer.BYTES).isSound();
    }

    private boolean isSound() {
        var seen = new BitSet(units);
        Deque<Integer> open = new ArrayDeque<>();
        open.add(offset(unit(0)));
        while (!open.isEmpty()) {
            int node = open.removeFirst();
            // Any byte of a text may be looked up from here.
            if ((node | (LABELS - 1)) >= units) {
                return false;
            }
            if (seen.get(node)) {
                continue;
            }
            seen.set(node);
            for (int label = 1; label < LABELS; label++) {
                int unit = unit(node ^ label);
                if ((unit & ((1 << 31) | 0xFF)) == label) {
                    int next = node ^ label ^ offset(unit);
                    boolean leaf = ((unit >>> 8) & 1) == 1;
                    if (next >= units || (leaf && !isReplacement(unit(next) & Integer.MAX_VALUE))) {
                        return false;
                    }
                    open.add(next);
                }
            }
        }
        return true;
    }

    private int unit(int at) {
        return bytes.getInt(Integer.BYTES * (1 + at));
    }

    private static int offset(int unit) {
        return (unit >>> 10) << ((unit & (1 << 9)) >>> 6);
    }

    /// Whether a replacement begins there, and not inside a character.
    private boolean isReplacement(int at) {
        int start = Integer.BYTES * (1 + units);
        return at <= bytes.capacity() - start
                && (at == bytes.capacity() - start || (bytes.get(start + at) & 0xC0) != 0x80);
    }
}
