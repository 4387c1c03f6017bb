package dev.tunesmith.engine.quant;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tunesmith.engine.ops.FourBitMatrix;
import dev.tunesmith.engine.tensor.DType;
import dev.tunesmith.engine.tensor.Region;
import dev.tunesmith.engine.tensor.Tensor;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class FourBitFormatTest {

    /// The error that the papers give for normal values: 9 % for NF4, 13 % for FP4.
    @ParameterizedTest
    @CsvSource({"NF4,64,true,0.095", "NF4,128,false,0.105", "FP4,64,true,0.135"})
    void keepsNormalValues(FourBitKind kind, int block, boolean doubled, double most) {
        try (Region region = Region.lasting("test")) {
            Tensor values = normal(region, 96, 250);
            float[] decoded = decoded(new FourBitFormat(kind, block, doubled), values, region);
            double error = 0;
            double norm = 0;
            float[] original = values.toFloats();
            for (int i = 0; i < original.length; i++) {
                error += Math.pow(decoded[i] - original[i], 2);
                norm += Math.pow(original[i], 2);
            }
            assertThat(Math.sqrt(error / norm)).isBetween(0.05, most);
        }
    }

    @ParameterizedTest
    @EnumSource(FourBitKind.class)
    void theValuesOfCodesAreExact(FourBitKind kind) {
        try (Region region = Region.lasting("test")) {
            float[] table = kind.table();
            Tensor values = region.floats(table, 4, 4);
            float[] decoded = decoded(new FourBitFormat(kind, 32, false), values, region);
            assertThat(decoded).isEqualTo(table);
        }
    }

    @Test
    void zerosStayZeros() {
        try (Region region = Region.lasting("test")) {
            Tensor values = region.zeros(DType.F32, 3, 64);
            assertThat(decoded(new FourBitFormat(FourBitKind.NF4, 64, false), values, region))
                    .containsOnly(0f);
        }
    }

    @Test
    void whatTransformersWritesIsReadWithItsDefaults() {
        Map<String, Object> config = Map.of("quant_method", "bitsandbytes", "load_in_4bit", true);
        assertThat(FourBitFormat.of(config))
                .contains(new FourBitFormat(FourBitKind.FP4, 64, false));
        assertThat(FourBitFormat.of(FourBitFormat.qlora().toTree()))
                .contains(FourBitFormat.qlora());
        assertThat(FourBitFormat.of(Map.of("quant_method", "gptq"))).isEmpty();
        assertThatThrownBy(() -> new FourBitFormat(FourBitKind.NF4, 48, false))
                .hasMessageContaining("48");
    }

    @ParameterizedTest
    @CsvSource({
        "0.12969970703125,0.12969970703125",
        "1,1.0",
        "0.0001,0.0001",
        "0.00001234,1.234e-05",
        "1e-7,1e-07",
        "-2.5e17,-2.5e+17"
    })
    void numbersAreWrittenAsPythonWritesThem(double value, String text) {
        assertThat(BitsAndBytes4.pythonNumber(value)).isEqualTo(text);
    }

    private static float[] decoded(FourBitFormat format, Tensor values, Region region) {
        var matrix =
                new FourBitMatrix(
                        values.rows(), values.width(), format.quantise(values, region), region);
        return matrix.values();
    }

    private static Tensor normal(Region region, int rows, int columns) {
        SplittableRandom random = new SplittableRandom(3);
        float[] values = new float[rows * columns];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return region.floats(values, rows, columns);
    }
}
