package dev.tunesmith.engine.optim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.tunesmith.contracts.optim.OptimizerKind;
import dev.tunesmith.contracts.optim.OptimizerSpec;
import dev.tunesmith.engine.nn.Parameter;
import dev.tunesmith.engine.ops.WeightStep;
import dev.tunesmith.engine.tensor.DType;
import dev.tunesmith.engine.tensor.Region;
import dev.tunesmith.engine.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class OptimizersTest {

    @ParameterizedTest
    @EnumSource(OptimizerKind.class)
    void everyOptimizerGoesDownhill(OptimizerKind kind) {
        try (Region region = Region.lasting("test")) {
            var random = new Random(3);
            List<Parameter> parameters =
                    List.of(
                            parameter(region, random, "layers.0.q_proj.weight", 16, 24),
                            parameter(region, random, "layers.1.up_proj.weight", 96, 64),
                            parameter(region, random, "layers.1.norm.weight", 24));
            double before = size(parameters);
            var choice = new OptimizerChoice(OptimizerSpec.usual(kind), 0, 0, DType.F32, 8, 1);
            if (!choice.choosesParameters()) {
                parameters.forEach(p -> p.train(region, choice.masters()));
            }
            double rate = kind == OptimizerKind.LOMO ? 0.3 : 0.03;
            try (Optimizer optimizer =
                    choice.start(ParameterGroup.byDecay(parameters, 0), region)) {
                for (int step = 0; step < 100; step++) {
                    optimizer.begin();
                    // The gradient of half of the squared length.
                    parameters.stream()
                            .filter(Parameter::trains)
                            .forEach(p -> p.gradient().set(p.best()));
                    assertThat(optimizer.step(rate).applied()).isTrue();
                }
                optimizer.measuring(true);
                assertThat(size(parameters)).isLessThan(0.7 * before);
                optimizer.measuring(false);
            }
        }
    }

    @Test
    void roundingAtRandomKeepsTheMean() {
        try (Region region = Region.lasting("test")) {
            float value = 1 + 0.3f / 128;
            float[] values = new float[100_000];
            Arrays.fill(values, value);
            Tensor wide = region.floats(values, values.length);
            Tensor narrow = region.tensor(DType.BF16, values.length);
            WeightStep.roundRandomly(narrow, wide, 5);
            double sum = 0;
            for (float rounded : narrow.toFloats()) {
                assertThat(rounded).isIn(1f, 1f + 1f / 128);
                sum += rounded;
            }
            assertThat(sum / values.length).isCloseTo(value, within(3e-5));
        }
    }

    @Test
    void blocksTakeTurns() {
        try (Region region = Region.lasting("test")) {
            var random = new Random(3);
            List<Parameter> parameters = new ArrayList<>();
            for (int i = 0; i < 3; i++) {
                parameters.add(parameter(region, random, "layers.%d.w".formatted(i), 4, 4));
            }
            BlockOptimizer descending = blocks(parameters, BlockOptimizer.Order.DESCENDING);
            BlockOptimizer shuffled = blocks(parameters, BlockOptimizer.Order.RANDOM);
            List<Integer> turns = new ArrayList<>();
            for (int turn = 0; turn < 6; turn++) {
                turns.add(descending.blockOf(turn));
            }
            assertThat(turns).containsExactly(2, 1, 0, 2, 1, 0);
            assertThat(List.of(shuffled.blockOf(0), shuffled.blockOf(1), shuffled.blockOf(2)))
                    .containsExactlyInAnyOrder(0, 1, 2);
            descending.begin();
            assertThat(parameters.stream().map(Parameter::trains))
                    .containsExactly(false, false, true);
            descending.close();
            assertThat(parameters).noneMatch(Parameter::trains);
        }
    }

    private static BlockOptimizer blocks(List<Parameter> parameters, BlockOptimizer.Order order) {
        var plan = new BlockOptimizer.Plan(Rule.AdamW.USUAL, order, 1, -1, 0, 0, 0, 7);
        return new BlockOptimizer(BlockOptimizer.layers(parameters), plan);
    }

    private static double size(List<Parameter> parameters) {
        double sum = 0;
        for (Parameter parameter : parameters) {
            for (float value : parameter.value().toFloats()) {
                sum += value * value;
            }
        }
        return Math.sqrt(sum);
    }

    private static Parameter parameter(Region region, Random random, String name, long... shape) {
        Tensor value = region.tensor(DType.BF16, shape);
        float[] values = new float[(int) value.elements()];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) random.nextGaussian();
        }
        value.set(values);
        return new Parameter(name, value);
    }
}
