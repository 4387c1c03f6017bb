package dev.tunesmith.engine.adapter.site;

import java.util.Arrays;
import java.util.List;

/// A tensor as a file holds it.
// Arrays: never compared.
@SuppressWarnings("ArrayRecordComponent")
public record FileTensor(List<Long> shape, float[] values) {

    public FileTensor {
        shape = List.copyOf(shape);
    }

    public static FileTensor of(float[] values, long... shape) {
        return new FileTensor(Arrays.stream(shape).boxed().toList(), values);
    }
}
