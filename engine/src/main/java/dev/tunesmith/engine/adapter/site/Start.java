package dev.tunesmith.engine.adapter.site;

import dev.tunesmith.engine.tensor.Tensor;
import java.util.Arrays;
import java.util.SplittableRandom;

/// What a new parameter of an adapter begins with.
public sealed interface Start {

    /// That many values.
    float[] values(int count, SplittableRandom random);

    /// Whether it takes no random numbers of its own.
    default boolean known() {
        return false;
    }

    /// The same value everywhere.
    record Constant(double value) implements Start {
        @Override
        public float[] values(int count, SplittableRandom random) {
            float[] values = new float[count];
            Arrays.fill(values, (float) value);
            return values;
        }
    }

    /// Uniform within `±bound`.
    record Uniform(double bound) implements Start {
        @Override
        public float[] values(int count, SplittableRandom random) {
            float[] values = new float[count];
            for (int i = 0; i < count; i++) {
                values[i] = (float) ((2 * random.nextDouble() - 1) * bound);
            }
            return values;
        }
    }

    /// Normally distributed around 0.
    record Normal(double deviation) implements Start {
        @Override
        public float[] values(int count, SplittableRandom random) {
            float[] values = new float[count];
            for (int i = 0; i < count; i++) {
                values[i] = (float) (deviation * gaussian(random));
            }
            return values;
        }

        private static double gaussian(SplittableRandom random) {
            double radius = Math.sqrt(-2 * Math.log(1 - random.nextDouble()));
            return radius * Math.cos(2 * Math.PI * random.nextDouble());
        }
    }

    /// What the base has there.
    record Copy(Tensor base) implements Start {
        @Override
        public float[] values(int count, SplittableRandom random) {
            return base.toFloats();
        }

        @Override
        public boolean known() {
            return true;
        }
    }

    /// Values that follow from the base.
    // Arrays: never compared.
    @SuppressWarnings("ArrayRecordComponent")
    record Given(float[] given) implements Start {
        @Override
        public float[] values(int count, SplittableRandom random) {
            return given.clone();
        }

        @Override
        public boolean known() {
            return true;
        }
    }

    /// Nothing.
    static Start zeros() {
        return new Constant(0);
    }

    /// One.
    static Start ones() {
        return new Constant(1);
    }

    /// Kaiming uniform with a = √5, as torch initialises linear layers and peft keeps it.
    static Start kaiming(long inputs) {
        return new Uniform(1 / Math.sqrt((double) inputs));
    }
}
