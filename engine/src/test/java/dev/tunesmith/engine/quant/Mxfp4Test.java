package dev.tunesmith.engine.quant;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.tunesmith.engine.io.ModelDirectory;
import dev.tunesmith.engine.io.ModelFileException;
import dev.tunesmith.engine.io.SafetensorsWriter;
import dev.tunesmith.engine.io.StoredType;
import dev.tunesmith.engine.io.WeightFiles;
import dev.tunesmith.engine.nn.Weight;
import dev.tunesmith.engine.tensor.Region;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class Mxfp4Test {
    private static final int EXPERTS = 3;
    private static final int OUTPUTS = 6;
    private static final int INPUTS = 64;
    private static final double[] MAGNITUDES = {0, 0.5, 1, 1.5, 2, 3, 4, 6};

    private final PackedForm form =
            PackedForm.of(
                    Map.of(
                            "quant_method",
                            "mxfp4",
                            "modules_to_not_convert",
                            List.of("model.layers.*.self_attn", "lm_head")));

    @TempDir Path folder;

    @Test
    void expertsHaveTheValuesOfTheirCodes() throws IOException {
        byte[] blocks = bytes(1, EXPERTS * OUTPUTS * INPUTS / 2, 256);
        byte[] scales = bytes(2, EXPERTS * OUTPUTS * INPUTS / 32, 12);
        try (WeightFiles files = files(blocks, scales);
                Region region = Region.lasting("test")) {
            for (int e = 0; e < EXPERTS; e++) {
                Weight weight = read(files, "mlp.experts.down_proj." + e, region);
                float[] values = weight.values();
                for (int at = 0; at < values.length; at++) {
                    int whole = e * OUTPUTS * INPUTS + at;
                    int pair = blocks[whole / 2] & 0xff;
                    int code = whole % 2 == 0 ? pair % 16 : pair / 16;
                    double sign = code < 8 ? 1 : -1;
                    assertThat((double) values[at])
                            .as("value %d of expert %d", at, e)
                            .isEqualTo(
                                    sign
                                            * MAGNITUDES[code % 8]
                                            * Math.pow(2, (scales[whole / 32] & 0xff) - 127));
                }
            }
        }
    }

    @Test
    void anExpertThatIsNotThereIsNamed() throws IOException {
        try (WeightFiles files =
                        files(
                                new byte[EXPERTS * OUTPUTS * INPUTS / 2],
                                new byte[EXPERTS * OUTPUTS * INPUTS / 32]);
                Region region = Region.lasting("test")) {
            assertThatExceptionOfType(ModelFileException.class)
                    .isThrownBy(() -> read(files, "mlp.experts.down_proj.3", region))
                    .withMessageContaining("mlp.experts.down_proj_blocks")
                    .withMessageContaining("expert 3");
            assertThat(form.read(files, wanted("self_attn.q_proj"), region)).isEmpty();
        }
    }

    private Weight read(WeightFiles files, String module, Region region) {
        return form.read(files, wanted(module), region).orElseThrow().weight();
    }

    private static PackedForm.Wanted wanted(String module) {
        return new PackedForm.Wanted(module, OUTPUTS, INPUTS);
    }

    private static byte[] bytes(int seed, int count, int bound) {
        Random random = new Random(seed);
        byte[] bytes = new byte[count];
        for (int i = 0; i < count; i++) {
            bytes[i] = (byte) (bound == 256 ? random.nextInt(256) : 120 + random.nextInt(bound));
        }
        return bytes;
    }

    private WeightFiles files(byte[] blocks, byte[] scales) throws IOException {
        var writer = new SafetensorsWriter(Map.of());
        long groups = INPUTS / 32;
        writer.add(
                "mlp.experts.down_proj_blocks",
                StoredType.U8,
                List.of((long) EXPERTS, (long) OUTPUTS, groups, 16L),
                MemorySegment.ofArray(blocks));
        writer.add(
                "mlp.experts.down_proj_scales",
                StoredType.U8,
                List.of((long) EXPERTS, (long) OUTPUTS, groups),
                MemorySegment.ofArray(scales));
        writer.write(folder.resolve("model.safetensors"));
        Files.writeString(folder.resolve("config.json"), "{}");
        return ModelDirectory.open(folder).openWeights();
    }
}
