package dev.tunesmith.api.model;

import dev.tunesmith.platform.json.Json;
import dev.tunesmith.platform.json.JsonException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;

/// The header of a safetensors file, checked against the file's length before a byte of it is
/// stored: known types, sizes that follow from the shapes, no hole, no overlap, no missing end.
///
/// @param tensors tensors by their place in the file
/// @param bytes length of the whole file
record SafetensorsHeader(List<Tensor> tensors, long bytes) {
    static final int HEADER_MAX = 16 * 1024 * 1024;

    private static final Map<String, Integer> BITS =
            Map.ofEntries(
                    Map.entry("BOOL", 8),
                    Map.entry("U8", 8),
                    Map.entry("I8", 8),
                    Map.entry("F8_E4M3", 8),
                    Map.entry("F8_E5M2", 8),
                    Map.entry("F8_E8M0", 8),
                    Map.entry("U16", 16),
                    Map.entry("I16", 16),
                    Map.entry("F16", 16),
                    Map.entry("BF16", 16),
                    Map.entry("U32", 32),
                    Map.entry("I32", 32),
                    Map.entry("F32", 32),
                    Map.entry("U64", 64),
                    Map.entry("I64", 64),
                    Map.entry("F64", 64));

    SafetensorsHeader {
        tensors = List.copyOf(tensors);
    }

    /// One tensor.
    ///
    /// @param begin first byte, counted from the end of the header
    /// @param end byte behind the last
    record Tensor(String name, String type, long elements, long begin, long end) {}

    /// A file that is not what it claims to be.
    static final class BrokenException extends Exception {
        private static final long serialVersionUID = 1L;

        BrokenException(String message) {
            super(message);
        }
    }

    /// Reads the raw header: the length field and the JSON behind it.
    ///
    /// @param fileBytes length of the file that the stream holds
    static byte[] read(InputStream file, long fileBytes) throws IOException, BrokenException {
        byte[] prefix = file.readNBytes(8);
        if (prefix.length < 8) {
            throw new BrokenException(
                    "the file ends at offset %d, inside its 8-byte header length"
                            .formatted(prefix.length));
        }
        long length = ByteBuffer.wrap(prefix).order(ByteOrder.LITTLE_ENDIAN).getLong();
        if (length < 2 || length > HEADER_MAX) {
            throw new BrokenException(
                    "offset 0: the header length is %d, expected 2 to %d"
                            .formatted(length, HEADER_MAX));
        }
        if (8 + length > fileBytes) {
            throw new BrokenException(
                    "offset 8: the header is %d bytes long, but the file ends at offset %d"
                            .formatted(length, fileBytes));
        }
        byte[] header = new byte[Math.toIntExact(8 + length)];
        System.arraycopy(prefix, 0, header, 0, 8);
        int read = file.readNBytes(header, 8, (int) length);
        if (read < length) {
            throw new BrokenException(
                    "the file ends at offset %d, inside its header".formatted(8 + read));
        }
        return header;
    }

    /// Checks a raw header against the length of its file.
    static SafetensorsHeader check(byte[] raw, long fileBytes) throws BrokenException {
        if (raw[8] != '{') {
            throw new BrokenException("offset 8: the header does not start with '{'");
        }
        byte[] json = java.util.Arrays.copyOfRange(raw, 8, raw.length);
        Map<String, Object> tree;
        try {
            tree = Json.tree(json);
        } catch (JsonException e) {
            throw new BrokenException(
                    "the header is not valid JSON: %s (line %d, column %d)"
                            .formatted(e.getMessage(), e.line(), e.column()));
        }
        var tensors = new ArrayList<Tensor>();
        for (var entry : tree.entrySet()) {
            if (!entry.getKey().equals("__metadata__")) {
                tensors.add(tensor(entry.getKey(), entry.getValue()));
            }
        }
        tensors.sort(Comparator.comparingLong(Tensor::begin).thenComparingLong(Tensor::end));
        long at = 0;
        for (var tensor : tensors) {
            if (tensor.begin() != at) {
                throw new BrokenException(
                        "tensor '%s' begins at data offset %d, expected %d: %s"
                                .formatted(
                                        tensor.name(),
                                        tensor.begin(),
                                        at,
                                        tensor.begin() < at ? "overlap" : "hole"));
            }
            at = tensor.end();
        }
        long expected = raw.length + at;
        if (expected != fileBytes) {
            throw new BrokenException(
                    "the tensors end at file offset %d, but the file has %d bytes: %s"
                            .formatted(
                                    expected,
                                    fileBytes,
                                    fileBytes < expected ? "truncated" : "bytes left over"));
        }
        return new SafetensorsHeader(tensors, fileBytes);
    }

    private static Tensor tensor(String name, Object value) throws BrokenException {
        if (!(value instanceof Map<?, ?> map)
                || !(map.get("dtype") instanceof String type)
                || !(map.get("shape") instanceof List<?> shape)
                || !(map.get("data_offsets") instanceof List<?> offsets)
                || offsets.size() != 2) {
            throw new BrokenException(
                    "tensor '%s' lacks dtype, shape or data_offsets".formatted(name));
        }
        Integer bits = BITS.get(type);
        if (bits == null) {
            throw new BrokenException(
                    "tensor '%s' is of the unknown type '%s'".formatted(name, type));
        }
        long begin = natural(name, offsets.get(0));
        long end = natural(name, offsets.get(1));
        long elements = 1;
        try {
            for (Object axis : shape) {
                elements = Math.multiplyExact(elements, natural(name, axis));
            }
            if (end - begin != Math.multiplyExact(elements, (long) bits) / 8) {
                throw new BrokenException(
                        "tensor '%s' occupies %d bytes at data offset %d, but %s%s needs %d"
                                .formatted(
                                        name,
                                        end - begin,
                                        begin,
                                        type,
                                        shape,
                                        elements * bits / 8));
            }
        } catch (ArithmeticException _) {
            throw new BrokenException(
                    "tensor '%s' has an impossible shape %s".formatted(name, shape));
        }
        return new Tensor(name, type, elements, begin, end);
    }

    private static long natural(String tensor, Object value) throws BrokenException {
        if (value instanceof Number number && number.longValue() >= 0 && isWhole(value)) {
            return number.longValue();
        }
        throw new BrokenException(
                "tensor '%s': expected a natural number, found %s".formatted(tensor, value));
    }

    private static boolean isWhole(Object number) {
        return number instanceof Integer || number instanceof Long;
    }
}
