package dev.tunesmith.engine.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.tunesmith.engine.io.ModelDirectory;
import dev.tunesmith.engine.io.ModelFileException;
import dev.tunesmith.engine.nn.Linear;
import dev.tunesmith.engine.nn.Weight;
import dev.tunesmith.engine.quant.SavedForm;
import dev.tunesmith.engine.tensor.DType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class QuantisedFolderTest {
    private static final Path GOLDEN = Path.of("src/test/resources/golden/families");

    @TempDir private Path folder;

    /// Largest error by the largest value of a matrix: half a step of three bits of mantissa, half
    /// a step of 127 of a row, half the widest gap between values of NF4.
    @ParameterizedTest
    @CsvSource({
        "llama, FP8, 0.036",
        "llama, INT8, 0.0041",
        "llama, NF4, 0.155",
        "llama_sharded, FP8, 0.036",
        "qwen2, NF4, 0.155",
        "qwen3_moe, INT8, 0.0041"
    })
    void ourOwnReadersFindTheValuesNearby(String family, SavedForm form, double bound)
            throws IOException {
        ModelDirectory source = ModelDirectory.open(GOLDEN.resolve(family).resolve("model"));
        QuantisedFolder.write(source, folder, form);
        try (Decoder before = load(source);
                Decoder after = load(ModelDirectory.open(folder))) {
            List<Linear> plain = before.linears();
            List<Linear> coded = after.linears();
            assertThat(coded).hasSameSizeAs(plain);
            for (int i = 0; i < plain.size(); i++) {
                boolean router = plain.get(i).name().endsWith("mlp.gate");
                assertThat(coded.get(i).weight() instanceof Weight.Coded).isNotEqualTo(router);
                assertThat(error(coded.get(i).weight().values(), plain.get(i).weight().values()))
                        .as(plain.get(i).name())
                        .isLessThan(bound);
            }
            for (int i = 0; i < after.parameters().size(); i++) {
                String name = after.parameters().get(i).name();
                assertThat(after.parameters().get(i).value().toFloats())
                        .as(name)
                        .isEqualTo(before.parameter(name).orElseThrow().value().toFloats());
            }
        }
    }

    @Test
    void whatIsQuantisedIsNotQuantisedAgain() throws IOException {
        ModelDirectory source = ModelDirectory.open(GOLDEN.resolve("llama/model"));
        QuantisedFolder.write(source, folder, SavedForm.FP8);
        Path other = Files.createDirectory(folder.resolveSibling(folder.getFileName() + "-twice"));
        assertThatExceptionOfType(ModelFileException.class)
                .isThrownBy(() ->
                        QuantisedFolder.write(ModelDirectory.open(folder), other, SavedForm.NF4))
                .withMessageContaining("use the one that it was made from");
        Files.delete(other);
    }

    private static Decoder load(ModelDirectory directory) {
        return Decoder.load(directory, DType.F32, Decoder.Loading.MAPPED);
    }

    private static double error(float[] found, float[] wanted) {
        double worst = 0;
        double largest = 0;
        for (int i = 0; i < wanted.length; i++) {
            worst = Math.max(worst, Math.abs(found[i] - wanted[i]));
            largest = Math.max(largest, Math.abs(wanted[i]));
        }
        return worst / largest;
    }
}
