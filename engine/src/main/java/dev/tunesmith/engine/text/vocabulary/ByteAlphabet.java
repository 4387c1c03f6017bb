package dev.tunesmith.engine.text.vocabulary;

import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// How vocabularies spell bytes: as one of 256 printable characters (GPT-2), or as `<0xE4>`
/// (SentencePiece).
public final class ByteAlphabet {
    private static final Pattern FALLBACK = Pattern.compile("<0x([0-9A-Fa-f]{2})>");

    /// The byte by its character.
    private static final Map<Integer, Integer> BYTES = bytes();

    /// The character by its byte.
    private static final char[] CHARACTERS = new char[256];

    static {
        BYTES.forEach((character, value) -> CHARACTERS[value] = (char) (int) character);
    }

    private ByteAlphabet() {}

    private static Map<Integer, Integer> bytes() {
        Map<Integer, Integer> bytes = new TreeMap<>();
        int next = 256;
        for (int value = 0; value < 256; value++) {
            boolean printable = (value >= '!' && value <= '~') || (value >= 0xA1 && value != 0xAD);
            bytes.put(printable ? value : next++, value);
        }
        return Map.copyOf(bytes);
    }

    /// The characters.
    public static Iterable<Integer> characters() {
        return BYTES.keySet();
    }

    /// Bytes as printable characters.
    public static String spell(byte[] bytes) {
        StringBuilder text = new StringBuilder(bytes.length);
        for (byte value : bytes) {
            text.append(CHARACTERS[value & 0xff]);
        }
        return text.toString();
    }

    /// The bytes that a token stands for; empty if it is not spelled in bytes.
    public static Optional<byte[]> spelled(String token) {
        Matcher fallback = FALLBACK.matcher(token);
        if (fallback.matches()) {
            return Optional.of(new byte[] {(byte) Integer.parseInt(fallback.group(1), 16)});
        }
        byte[] bytes = new byte[token.length()];
        for (int i = 0; i < bytes.length; i++) {
            Integer value = BYTES.get((int) token.charAt(i));
            if (value == null) {
                return Optional.empty();
            }
            bytes[i] = value.byteValue();
        }
        return Optional.of(bytes);
    }
}
