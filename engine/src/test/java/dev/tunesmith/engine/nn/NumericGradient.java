package dev.tunesmith.engine.nn;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tunesmith.engine.tape.Tape;
import dev.tunesmith.engine.tensor.DType;
import dev.tunesmith.engine.tensor.Region;
import dev.tunesmith.engine.tensor.StepArena;
import dev.tunesmith.engine.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.function.BiFunction;

/// Compares recorded gradients with differences of function values.
///
/// The function is reduced to one number by random factors of its outputs. Values are fp32, so the
/// step is large and the comparison is relative to the largest gradient of a tensor: enough to see
/// a wrong formula, not a wrong rounding.
final class NumericGradient implements AutoCloseable {

    private static final float STEP = 1e-2f;
    private static final double ALLOWED = 1e-2;
    private static final int PROBES = 12;

    private final StepArena arena = StepArena.unlimited();
    private final Region region = Region.lasting("numeric gradient");
    private final SplittableRandom random;
    private final List<Parameter> parameters = new ArrayList<>();

    NumericGradient(long seed) {
        this.random = new SplittableRandom(seed);
    }

    /// A trainable parameter with random values around `middle`.
    Parameter parameter(String name, float middle, long... shape) {
        Parameter parameter = new Parameter(name, tensor(middle, shape));
        parameter.train(region);
        parameters.add(parameter);
        return parameter;
    }

    /// A random tensor around `middle`.
    Tensor tensor(float middle, long... shape) {
        Tensor tensor = region.tensor(DType.F32, shape);
        float[] values = new float[(int) tensor.elements()];
        for (int i = 0; i < values.length; i++) {
            values[i] = middle + (float) (random.nextDouble() - 0.5);
        }
        tensor.set(values);
        return tensor;
    }

    Linear linear(String name, int outputs, int inputs, boolean bias) {
        return new Linear(
                name,
                new Weight.Dense(parameter(name + ".weight", 0, outputs, inputs)),
                bias ? parameter(name + ".bias", 0, outputs) : null);
    }

    Region region() {
        return region;
    }

    /// Checks the gradients of all parameters and of the input.
    void check(Tensor input, BiFunction<Tape, Tensor, Tensor> function) {
        float[] factors;
        float[] inputGradient;
        try (Region step = arena.open("analytic")) {
            Tape tape = Tape.recording(arena, step, 1);
            tape.track(input);
            Tensor output = function.apply(tape, input);
            factors = new float[(int) output.elements()];
            for (int i = 0; i < factors.length; i++) {
                factors[i] = (float) (random.nextDouble() - 0.5);
            }
            tape.backward(output, step.floats(factors, output.shape()));
            inputGradient = Objects.requireNonNull(tape.gradientOf(input)).toFloats();
        }
        compare("input", input, inputGradient, input, function, factors);
        for (Parameter parameter : parameters) {
            compare(
                    parameter.name(),
                    parameter.value(),
                    parameter.gradient().toFloats(),
                    input,
                    function,
                    factors);
        }
    }

    private void compare(
            String name,
            Tensor changed,
            float[] gradient,
            Tensor input,
            BiFunction<Tape, Tensor, Tensor> function,
            float[] factors) {
        double largest = 0;
        for (float value : gradient) {
            largest = Math.max(largest, Math.abs(value));
        }
        float[] values = changed.toFloats();
        for (int probe = 0; probe < PROBES; probe++) {
            int at = random.nextInt(values.length);
            float kept = values[at];
            values[at] = kept + STEP;
            changed.set(values);
            double above = value(input, function, factors);
            values[at] = kept - STEP;
            changed.set(values);
            double below = value(input, function, factors);
            values[at] = kept;
            changed.set(values);
            assertThat((above - below) / (2 * STEP))
                    .as("gradient of %s at %d", name, at)
                    .isCloseTo(
                            gradient[at],
                            org.assertj.core.data.Offset.offset(ALLOWED * largest + 1e-4));
        }
    }

    private double value(Tensor input, BiFunction<Tape, Tensor, Tensor> function, float[] factors) {
        try (Region step = arena.open("numeric")) {
            float[] output = function.apply(Tape.recording(arena, step, 1), input).toFloats();
            double sum = 0;
            for (int i = 0; i < output.length; i++) {
                sum += (double) output[i] * factors[i];
            }
            return sum;
        }
    }

    @Override
    public void close() {
        region.close();
        arena.close();
    }
}
