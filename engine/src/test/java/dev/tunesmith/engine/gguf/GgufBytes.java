package dev.tunesmith.engine.gguf;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// Writes a GGUF file of fp32 tensors.
final class GgufBytes {
    private final Map<String, Object> metadata = new LinkedHashMap<>();
    private final List<Part> parts = new ArrayList<>();

    private record Part(String name, List<Long> shape, float[] values) {}

    GgufBytes with(String key, Object value) {
        metadata.put(key, value);
        return this;
    }

    GgufBytes tensor(String name, float[] values, Long... shape) {
        parts.add(new Part(name, List.of(shape), values));
        return this;
    }

    byte[] bytes() {
        var out = new Little();
        out.word(0x46554747);
        out.word(3);
        out.longWord(parts.size());
        out.longWord(metadata.size());
        metadata.forEach((key, value) -> {
            out.text(key);
            out.word(type(value));
            out.value(value);
        });
        long offset = 0;
        for (Part part : parts) {
            out.text(part.name);
            out.word(part.shape.size());
            part.shape.reversed().forEach(out::longWord);
            out.word(0);
            out.longWord(offset);
            offset += Math.ceilDiv(part.values.length * 4L, 32L) * 32;
        }
        for (Part part : parts) {
            out.pad();
            for (float value : part.values) {
                out.word(Float.floatToRawIntBits(value));
            }
        }
        out.pad();
        return out.toByteArray();
    }

    private static int type(Object value) {
        return switch (value) {
            case Integer _ -> 4;
            case Double _ -> 6;
            case Boolean _ -> 7;
            case String _ -> 8;
            case List<?> _ -> 9;
            default -> throw new IllegalArgumentException(value.toString());
        };
    }

    private static final class Little extends ByteArrayOutputStream {
        void word(int value) {
            writeBytes(order(4).putInt(value).array());
        }

        void longWord(long value) {
            writeBytes(order(8).putLong(value).array());
        }

        private static ByteBuffer order(int size) {
            return ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN);
        }

        void text(String text) {
            byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
            longWord(utf8.length);
            writeBytes(utf8);
        }

        void value(Object value) {
            switch (value) {
                case Integer number -> word(number);
                case Double number -> word(Float.floatToRawIntBits(number.floatValue()));
                case Boolean flag -> write(flag ? 1 : 0);
                case String text -> text(text);
                case List<?> list -> {
                    word(type(list.getFirst()));
                    longWord(list.size());
                    list.forEach(this::value);
                }
                default -> throw new IllegalArgumentException(value.toString());
            }
        }

        void pad() {
            while (size() % 32 != 0) {
                write(0);
            }
        }
    }
}
