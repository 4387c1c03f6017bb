package dev.tunesmith.engine.adapter;

import dev.tunesmith.engine.adapter.site.Site;
import dev.tunesmith.engine.adapter.site.Start;
import java.util.Arrays;
import java.util.Optional;
import java.util.SplittableRandom;

/// Start values of a new adapter.
final class FreshValues implements Site.Source {

    private final SplittableRandom root;

    FreshValues(long seed) {
        this.root = new SplittableRandom(seed);
    }

    @Override
    public float[] values(String name, long[] shape, Start start) {
        int count = Math.toIntExact(Arrays.stream(shape).reduce(1, (a, b) -> a * b));
        return start.values(count, start.known() ? root : root.split());
    }

    @Override
    public float[] unsaved(long[] shape, Start start) {
        return values("", shape, start);
    }

    @Override
    public Optional<long[]> shape(String name) {
        return Optional.empty();
    }
}
