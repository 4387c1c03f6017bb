package dev.tunesmith.engine.model;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tunesmith.engine.io.JsonTree;
import dev.tunesmith.engine.io.ModelDirectory;
import dev.tunesmith.engine.io.SafetensorsWriter;
import dev.tunesmith.engine.io.WeightFiles;
import dev.tunesmith.engine.tensor.DType;
import dev.tunesmith.engine.tensor.Region;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Baichuan 2 brings the rows of its head to length 1.
class UnitHeadTest {
    private static final Path BAICHUAN =
            Path.of("src/test/resources/golden/families/baichuan/model");

    private static final int WIDTH =
            Architecture.of(ModelDirectory.open(BAICHUAN).config()).size().width();

    @TempDir private Path folder;

    @Test
    void theLengthOfARowOfTheHeadMeansNothing() throws IOException {
        float[] head = head(copy("unit", 1));
        assertThat(head(copy("long", 8))).isEqualTo(head);
        double square = 0;
        for (int i = 0; i < WIDTH; i++) {
            square += head[i] * head[i];
        }
        assertThat(Math.abs(square - 1)).isLessThan(1e-6);
    }

    @Test
    void theHeadStaysAsItIsInFullTraining() throws IOException {
        try (Decoder decoder = load(copy("trained", 2));
                Region region = Region.lasting("test")) {
            decoder.trainAll(region);
            assertThat(decoder.head().weight().trains()).isFalse();
            assertThat(decoder.embedding().table().trains()).isTrue();
        }
    }

    private static float[] head(Path copy) {
        try (Decoder decoder = load(copy)) {
            return decoder.head().weight().value().toFloats();
        }
    }

    private static Decoder load(Path copy) {
        return Decoder.load(ModelDirectory.open(copy), DType.F32, Decoder.Loading.WRITABLE);
    }

    /// The model as one of the second generation, with a head that is so many times as long.
    private Path copy(String name, float factor) throws IOException {
        Path copy = Files.createDirectory(folder.resolve(name));
        ModelDirectory base = ModelDirectory.open(BAICHUAN);
        Map<String, Object> config = new LinkedHashMap<>(base.config());
        config.put("z_loss_weight", 0);
        JsonTree.write(copy.resolve(ModelDirectory.CONFIG), config);
        SafetensorsWriter writer = new SafetensorsWriter(Map.of("format", "pt"));
        try (WeightFiles files = base.openWeights()) {
            for (String tensor : files.names()) {
                float[] values = files.floats(tensor);
                if (tensor.equals("lm_head.weight")) {
                    for (int i = 0; i < values.length; i++) {
                        values[i] *= factor;
                    }
                }
                writer.add(tensor, files.tensor(tensor).shape(), values);
            }
            writer.write(copy.resolve(ModelDirectory.WEIGHTS));
        }
        return copy;
    }
}
