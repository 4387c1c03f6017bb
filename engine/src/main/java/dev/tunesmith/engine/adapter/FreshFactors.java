package dev.tunesmith.engine.adapter;

import dev.tunesmith.engine.tensor.Tensor;
import java.util.Optional;
import java.util.SplittableRandom;

/// Start values of a new adapter: the product of both factors is zero.
final class FreshFactors implements LoraAdapter.Source {

    private final SplittableRandom root;

    FreshFactors(long seed) {
        this.root = new SplittableRandom(seed);
    }

    @Override
    public float[] values(String name, long[] shape, Optional<Tensor> base) {
        if (base.isPresent()) {
            return base.get().toFloats();
        }
        long elements = 1;
        for (long size : shape) {
            elements *= size;
        }
        float[] values = new float[Math.toIntExact(elements)];
        SplittableRandom random = root.split();
        if (name.endsWith(".lora_A.weight")) {
            // Kaiming uniform with a = √5, as torch initialises linear layers and peft keeps it.
            double bound = 1 / Math.sqrt((double) shape[1]);
            for (int i = 0; i < values.length; i++) {
                values[i] = (float) ((2 * random.nextDouble() - 1) * bound);
            }
        } else if (name.endsWith(".lora_embedding_B")) {
            // Here the other factor is the zero one.
            for (int i = 0; i < values.length; i++) {
                values[i] = (float) gaussian(random);
            }
        }
        return values;
    }

    private static double gaussian(SplittableRandom random) {
        double radius = Math.sqrt(-2 * Math.log(1 - random.nextDouble()));
        return radius * Math.cos(2 * Math.PI * random.nextDouble());
    }
}
