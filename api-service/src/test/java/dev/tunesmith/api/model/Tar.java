package dev.tunesmith.api.model;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.LinkedHashMap;
import java.util.Map;

/// A tar archive as a client writes it.
final class Tar {
    private final Map<String, byte[]> files = new LinkedHashMap<>();
    private byte[] raw = {};

    Tar with(String name, byte[] content) {
        files.put(name, content);
        return this;
    }

    Tar raw(byte[] content) {
        raw = content.clone();
        return this;
    }

    byte[] bytes() {
        if (raw.length > 0) {
            return raw.clone();
        }
        var out = new ByteArrayOutputStream();
        files.forEach((name, content) ->
                out.writeBytes(entry(name, '0', "%011o".formatted(content.length), content)));
        out.writeBytes(new byte[1024]);
        return out.toByteArray();
    }

    /// A file of one fp32 tensor.
    static byte[] safetensors(String tensor, int elements) {
        String json =
                "{\"%s\":{\"dtype\":\"F32\",\"shape\":[%d],\"data_offsets\":[0,%d]}}"
                        .formatted(tensor, elements, elements * 4);
        byte[] header = json.getBytes(UTF_8);
        return ByteBuffer.allocate(8 + header.length + elements * 4)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(header.length)
                .put(header)
                .array();
    }

    /// One entry with its padding.
    ///
    /// @param size what the header says, whatever the length of the content
    static byte[] entry(String name, char type, String size, byte[] content) {
        var out = new ByteArrayOutputStream();
        out.writeBytes(header(name, type, size));
        out.writeBytes(content);
        out.writeBytes(new byte[(512 - content.length % 512) % 512]);
        return out.toByteArray();
    }

    private static byte[] header(String name, char type, String size) {
        byte[] header = new byte[512];
        put(header, 0, name);
        put(header, 100, "0000644\0");
        put(header, 124, size);
        put(header, 136, "00000000000\0");
        put(header, 148, "        ");
        header[156] = (byte) type;
        put(header, 257, "ustar\0" + "00");
        int sum = 0;
        for (byte b : header) {
            sum += b & 0xff;
        }
        put(header, 148, "%06o\0 ".formatted(sum));
        return header;
    }

    private static void put(byte[] header, int at, String text) {
        byte[] bytes = text.getBytes(ISO_8859_1);
        System.arraycopy(bytes, 0, header, at, bytes.length);
    }
}
