package dev.tunesmith.engine.optim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.tunesmith.engine.nn.Parameter;
import dev.tunesmith.engine.tensor.DType;
import dev.tunesmith.engine.tensor.Region;
import dev.tunesmith.engine.tensor.Tensor;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class AdamWTest {

    @ParameterizedTest
    @EnumSource(
            value = DType.class,
            names = {"F32", "BF16"})
    void theMasterFollowsTheFormula(DType type) {
        try (Region region = Region.lasting("test")) {
            Parameter parameter = parameter(region, type, "w.weight", 1, -2, 0.5f);
            Optimizer optimizer =
                    Optimizer.of(
                            ParameterGroup.byDecay(List.of(parameter), 0.1),
                            Rule.AdamW.USUAL,
                            0,
                            region);
            double p = 1;
            double m = 0;
            double v = 0;
            for (int step = 1; step <= 4; step++) {
                float g = 0.3f * step;
                parameter.gradient().set(new float[] {g, 0, -g});
                assertThat(optimizer.step(1e-2).applied()).isTrue();
                m = 0.9 * m + 0.1 * g;
                v = 0.999 * v + 0.001 * g * g;
                p -= 1e-2 * 0.1 * p;
                p -=
                        1e-2
                                * (m / (1 - Math.pow(0.9, step)))
                                / (Math.sqrt(v / (1 - Math.pow(0.999, step))) + 1e-8);
            }
            assertThat(parameter.master().toFloats()[0]).isCloseTo((float) p, within(2e-6f));
            assertThat(parameter.value().toFloats()[0])
                    .isCloseTo((float) p, within(type == DType.F32 ? 2e-6f : 4e-3f));
            assertThat(parameter.gradient().toFloats()).containsOnly(0);
        }
    }

    @Test
    void gradientsAreClippedByTheirCommonNorm() {
        try (Region region = Region.lasting("test")) {
            Parameter one = parameter(region, DType.F32, "a.weight", 0);
            Parameter two = parameter(region, DType.F32, "b.weight", 0);
            one.gradient().set(new float[] {3});
            two.gradient().set(new float[] {4});
            Optimizer optimizer =
                    Optimizer.usual(ParameterGroup.byDecay(List.of(one, two), 0), region);

            assertThat(optimizer.step(0).gradientNorm()).isCloseTo(5, within(1e-6));

            Tensor average = Objects.requireNonNull(optimizer.state().get("b.weight.exp_avg"));
            assertThat(average.toFloats()[0]).isCloseTo(0.08f, within(1e-6f));
        }
    }

    @Test
    void aGradientThatIsNotFiniteChangesNothing() {
        try (Region region = Region.lasting("test")) {
            Parameter parameter = parameter(region, DType.F32, "a.weight", 1, 2);
            parameter.gradient().set(new float[] {Float.POSITIVE_INFINITY, 1});
            Optimizer optimizer =
                    Optimizer.usual(ParameterGroup.byDecay(List.of(parameter), 0.1), region);

            assertThat(optimizer.step(1).applied()).isFalse();

            assertThat(optimizer.steps()).isZero();
            assertThat(parameter.value().toFloats()).containsExactly(1, 2);
            assertThat(parameter.gradient().toFloats()).containsOnly(0);
        }
    }

    @Test
    void biasesAndNormsDoNotDecay() {
        try (Region region = Region.lasting("test")) {
            List<Parameter> parameters =
                    List.of(
                            parameter(region, DType.F32, "model.embed_tokens.weight", 1),
                            parameter(
                                    region, DType.F32, "model.layers.0.input_layernorm.weight", 1),
                            parameter(region, DType.F32, "model.norm.weight", 1),
                            parameter(
                                    region, DType.F32, "model.layers.0.self_attn.q_norm.weight", 1),
                            parameter(
                                    region, DType.F32, "model.layers.0.self_attn.q_proj.bias", 1));

            assertThat(ParameterGroup.byDecay(parameters, 0.1).getFirst().parameters())
                    .containsExactly(parameters.getFirst());
        }
    }

    private static Parameter parameter(Region region, DType type, String name, float... values) {
        Tensor value = region.tensor(type, values.length);
        value.set(values);
        Parameter parameter = new Parameter(name, value);
        parameter.train(region);
        return parameter;
    }
}
