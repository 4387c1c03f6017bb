package dev.tunesmith.engine.quant;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.tunesmith.engine.data.TokenBatch;
import dev.tunesmith.engine.io.JsonTree;
import dev.tunesmith.engine.io.ModelDirectory;
import dev.tunesmith.engine.io.ModelFileException;
import dev.tunesmith.engine.io.SafetensorsFile;
import dev.tunesmith.engine.io.SafetensorsWriter;
import dev.tunesmith.engine.io.StoredTensor;
import dev.tunesmith.engine.io.StoredType;
import dev.tunesmith.engine.io.WeightFiles;
import dev.tunesmith.engine.model.Decoder;
import dev.tunesmith.engine.nn.Weight;
import dev.tunesmith.engine.tape.CheckpointPolicy;
import dev.tunesmith.engine.tape.Tape;
import dev.tunesmith.engine.tensor.DType;
import dev.tunesmith.engine.tensor.Region;
import dev.tunesmith.engine.tensor.StepArena;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class PackedFormTest {
    private static final Path LLAMA = Path.of("src/test/resources/golden/adapters/base/llama");
    private static final int OUTPUTS = 32;
    private static final int INPUTS = 64;
    private static final int GROUP = 16;

    @TempDir private Path folder;

    /// Numbers of 3 bits cross the borders of words.
    @ParameterizedTest
    @ValueSource(ints = {2, 3, 4, 8})
    void gptqOfEveryWidth(int bits) throws IOException {
        int[] codes_IO = codes(bits, INPUTS * OUTPUTS);
        int groups = INPUTS / GROUP;
        int[] zeros_GO = codes(bits, groups * OUTPUTS);
        float[] scales_GO = new float[groups * OUTPUTS];
        for (int i = 0; i < scales_GO.length; i++) {
            scales_GO[i] = 0.25f + i % 7;
        }
        int[] qweight = new int[words(INPUTS, bits) * OUTPUTS];
        for (int i = 0; i < INPUTS; i++) {
            for (int o = 0; o < OUTPUTS; o++) {
                put(qweight, o, OUTPUTS, i, bits, codes_IO[i * OUTPUTS + o]);
            }
        }
        int zeroWords = words(OUTPUTS, bits);
        int[] qzeros = new int[groups * zeroWords];
        for (int at = 0; at < zeros_GO.length; at++) {
            put(qzeros, at / OUTPUTS * zeroWords, 1, at % OUTPUTS, bits, zeros_GO[at]);
        }
        var writer = new SafetensorsWriter(Map.of());
        ints(writer, "m.qweight", qweight);
        ints(writer, "m.qzeros", qzeros);
        writer.add("m.scales", List.of((long) groups, (long) OUTPUTS), scales_GO);
        float[] values =
                values(
                        Map.of(
                                "quant_method",
                                "gptq",
                                "bits",
                                bits,
                                "group_size",
                                GROUP,
                                "checkpoint_format",
                                "gptq_v2"),
                        writer);
        float[] expected = new float[OUTPUTS * INPUTS];
        for (int at = 0; at < expected.length; at++) {
            int o = at / INPUTS;
            int i = at % INPUTS;
            int group = i / GROUP * OUTPUTS + o;
            expected[at] = scales_GO[group] * (codes_IO[i * OUTPUTS + o] - zeros_GO[group]);
        }
        assertThat(values).isEqualTo(expected);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "{'quant_method': 'marlin'}|'marlin' is not supported (supported: aqlm, awq, bitsandbytes",
                "{'quant_method': 'awq', 'bits': 4, 'version': 'gemv'}|version 'gemv'",
                "{'quant_method': 'awq', 'bits': 3, 'version': 'marlin'}|bits 3 ; version 'marlin'",
                "{'quant_method': 'gptq', 'checkpoint_format': 'marlin'}|checkpoint_format 'marlin'",
                "{'quant_method': 'gptq', 'bits': 5}|bits 5 is not supported",
                "{'quant_method': 'hqq', 'nbits': 7}|nbits 7",
                "{'quant_method': 'fp8', 'fmt': 'e5m2'}|fmt 'e5m2'",
                "{'quant_method': 'fp8', 'weight_block_size': [0, 128]}|weight_block_size",
                "{'quant_method': 'compressed-tensors'}|config_groups has 0 entries",
            })
    void whatCannotBeReadIsRefusedByName(String config, String parts) {
        Map<String, Object> tree = JsonTree.parse(Path.of("test"), config.replace('\'', '"'));
        assertThatExceptionOfType(UnsupportedFormException.class)
                .isThrownBy(() -> PackedForm.of(tree))
                .satisfies(e ->
                        assertThat(String.join("\n", e.faults())).contains(parts.split(" ; ")));
    }

    @Test
    void aGroupThatIsNotThereIsRefused() throws IOException {
        SafetensorsWriter writer = int4();
        int[] order = new int[INPUTS];
        order[5] = 99;
        ints(writer, "m.g_idx", order);
        assertThatExceptionOfType(ModelFileException.class)
                .isThrownBy(() -> values(gptq(), writer))
                .withMessageContaining("m.g_idx has group 99, there are 1 groups");
    }

    @Test
    void aPartOfTheWrongSizeIsNamed() throws IOException {
        SafetensorsWriter writer = int4();
        assertThatExceptionOfType(ModelFileException.class)
                .isThrownBy(() -> values(Map.of("quant_method", "gptq", "group_size", 16), writer))
                .withMessageContaining("m.qzeros needs 16 values of [I32], found 4 of I32");
    }

    @Test
    void aMissingPartIsNamed() throws IOException {
        var writer = new SafetensorsWriter(Map.of());
        ints(writer, "m.qweight", new int[INPUTS / 8 * OUTPUTS]);
        assertThatExceptionOfType(ModelFileException.class)
                .isThrownBy(() -> values(gptq(), writer))
                .withMessageContaining("m.qzeros is missing");
    }

    @Test
    void everyLayerThatHasNoScalesIsPlain() throws IOException {
        var writer = new SafetensorsWriter(Map.of());
        writer.add("m.weight", List.of(2L, 3L), new float[6]);
        Path file = folder.resolve("plain.safetensors");
        writer.write(file);
        try (WeightFiles files = WeightFiles.single(folder, file);
                Region region = Region.lasting("test")) {
            assertThat(PackedForm.of(gptq()).read(files, new PackedForm.Wanted("m", 2, 3), region))
                    .isEmpty();
        }
    }

    /// A whole model in int8 answers like the dense model of the same values.
    @Test
    void aModelOfQuantisedLayersIsOneOfTheirValues() throws IOException {
        Path packed = Files.createDirectory(folder.resolve("packed"));
        Path dense = Files.createDirectory(folder.resolve("dense"));
        quantise(packed, dense);
        float[] expected = hidden(dense);
        assertThat(hidden(packed)).containsExactly(expected, within());
        assertThat(expected).isNotEqualTo(hidden(LLAMA.resolve("model")));
    }

    private static org.assertj.core.data.Offset<Float> within() {
        return org.assertj.core.data.Offset.offset(1e-4f);
    }

    private static float[] hidden(Path model) {
        TokenBatch batch =
                new TokenBatch(
                        new int[] {4, 8, 15, 16, 23},
                        new int[] {0, 1, 2, 3, 4},
                        new int[] {0, 5},
                        new int[] {-100, -100, -100, -100, -100},
                        new float[5]);
        try (Decoder decoder =
                        Decoder.load(
                                ModelDirectory.open(model), DType.F32, Decoder.Loading.MAPPED);
                StepArena arena = StepArena.unlimited();
                Region step = arena.open("forward")) {
            return decoder.forward(Tape.silent(arena, step), batch, CheckpointPolicy.keepAll())
                    .toFloats();
        }
    }

    /// Writes the golden model once with 8-bit codes and once with the values that these stand for.
    private static void quantise(Path packed, Path dense) throws IOException {
        ModelDirectory source = ModelDirectory.open(LLAMA.resolve("model"));
        var codes = new SafetensorsWriter(Map.of());
        var values = new SafetensorsWriter(Map.of());
        try (SafetensorsFile file =
                SafetensorsFile.open(source.path().resolve(ModelDirectory.WEIGHTS))) {
            for (StoredTensor tensor : file.tensors()) {
                String name = tensor.name();
                float[] plain = file.floats(name);
                if (!name.contains("_proj.")) {
                    values.add(name, tensor.shape(), plain);
                    codes.add(name, tensor.shape(), plain);
                    continue;
                }
                int rows = tensor.shape().get(0).intValue();
                int width = plain.length / rows;
                byte[] bytes = new byte[plain.length];
                float[] scales = new float[rows];
                for (int at = 0; at < plain.length; at++) {
                    scales[at / width] = Math.max(scales[at / width], Math.abs(plain[at]) / 127);
                }
                for (int at = 0; at < plain.length; at++) {
                    bytes[at] = (byte) Math.rint(plain[at] / scales[at / width]);
                    plain[at] = bytes[at] * scales[at / width];
                }
                codes.add(name, StoredType.I8, tensor.shape(), MemorySegment.ofArray(bytes));
                codes.add(name + "_scale", List.of((long) rows, 1L), scales);
                values.add(name, tensor.shape(), plain);
            }
            codes.write(packed.resolve(ModelDirectory.WEIGHTS));
            values.write(dense.resolve(ModelDirectory.WEIGHTS));
        }
        JsonTree.write(dense.resolve(ModelDirectory.CONFIG), source.config());
        var config = new HashMap<>(source.config());
        config.put(
                "quantization_config",
                Map.of(
                        "quant_method", "compressed-tensors",
                        "format", "int-quantized",
                        "config_groups",
                                Map.of(
                                        "group_0",
                                        Map.of(
                                                "weights",
                                                Map.of(
                                                        "num_bits",
                                                        8,
                                                        "type",
                                                        "int",
                                                        "symmetric",
                                                        true,
                                                        "strategy",
                                                        "channel")))));
        JsonTree.write(packed.resolve(ModelDirectory.CONFIG), config);
    }

    private static Map<String, Object> gptq() {
        return Map.of("quant_method", "gptq", "bits", 4, "group_size", -1);
    }

    /// A matrix with one group of 4-bit codes.
    private static SafetensorsWriter int4() {
        var writer = new SafetensorsWriter(Map.of());
        ints(writer, "m.qweight", new int[INPUTS / 8 * OUTPUTS]);
        ints(writer, "m.qzeros", new int[OUTPUTS / 8]);
        writer.add("m.scales", List.of(1L, (long) OUTPUTS), new float[OUTPUTS]);
        return writer;
    }

    /// Blocks of two rows and four columns, each the sum of three vectors, against that sum.
    @ParameterizedTest
    @ValueSource(ints = {5, 8, 11})
    void aqlmAddsVectorsOfItsBooks(int bits) throws IOException {
        int books = 3;
        int vectors = 1 << bits;
        int[] codes = codes(bits, OUTPUTS / 2 * (INPUTS / 4) * books);
        float[] codebooks = new float[books * vectors * 8];
        for (int i = 0; i < codebooks.length; i++) {
            codebooks[i] = i % 37 - 18 + i % 5 * 0.25f;
        }
        float[] scales = new float[OUTPUTS / 2];
        for (int i = 0; i < scales.length; i++) {
            scales[i] = 0.5f + i % 3;
        }
        var writer = new SafetensorsWriter(Map.of());
        List<Long> shape = List.of(OUTPUTS / 2L, INPUTS / 4L, (long) books);
        if (bits <= 8) {
            byte[] stored = new byte[codes.length];
            for (int i = 0; i < codes.length; i++) {
                stored[i] = (byte) signed(codes[i], bits);
            }
            writer.add("m.codes", StoredType.I8, shape, MemorySegment.ofArray(stored));
        } else {
            short[] stored = new short[codes.length];
            for (int i = 0; i < codes.length; i++) {
                stored[i] = (short) signed(codes[i], bits);
            }
            writer.add("m.codes", StoredType.I16, shape, MemorySegment.ofArray(stored));
        }
        writer.add("m.codebooks", List.of((long) books, (long) vectors, 2L, 4L), codebooks);
        writer.add("m.scales", List.of(OUTPUTS / 2L, 1L, 1L, 1L), scales);
        float[] values =
                values(
                        Map.of(
                                "quant_method",
                                "aqlm",
                                "in_group_size",
                                4,
                                "out_group_size",
                                2,
                                "num_codebooks",
                                books,
                                "nbits_per_codebook",
                                bits),
                        writer);
        for (int at = 0; at < values.length; at++) {
            int row = at / INPUTS;
            int column = at % INPUTS;
            int block = row / 2 * (INPUTS / 4) + column / 4;
            float sum = 0;
            for (int book = 0; book < books; book++) {
                int vector = book * vectors + codes[block * books + book];
                sum += codebooks[vector * 8 + row % 2 * 4 + column % 4];
            }
            assertThat(values[at]).as("at %d", at).isEqualTo(sum * scales[row / 2]);
        }
    }

    /// Written step by step: the shuffle of rows, columns end to end, pairs of columns in runs, the
    /// swap of bytes.
    @Test
    void eetqIsInTheOrderOfMatrixUnits() throws IOException {
        int[] shuffle = {0, 1, 8, 9, 2, 3, 10, 11, 4, 5, 12, 13, 6, 7, 14, 15};
        int inputs = INPUTS * 2;
        int[] codes_OI = codes(8, OUTPUTS * inputs);
        byte[] columns = new byte[codes_OI.length];
        for (int o = 0; o < OUTPUTS; o++) {
            for (int row = 0; row < inputs; row++) {
                int read = row / 16 * 16 + shuffle[row % 16];
                columns[o * inputs + row] = (byte) codes_OI[o * inputs + read];
            }
        }
        byte[] paired = new byte[columns.length];
        int to = 0;
        for (int pair = 0; pair < OUTPUTS; pair += 2) {
            for (int run = 0; run < inputs; run += 64) {
                for (int of = pair; of < pair + 2; of++) {
                    System.arraycopy(columns, of * inputs + run, paired, to, 64);
                    to += 64;
                }
            }
        }
        for (int i = 0; i < paired.length; i += 4) {
            byte second = paired[i + 1];
            paired[i + 1] = paired[i + 2];
            paired[i + 2] = second;
        }
        var writer = new SafetensorsWriter(Map.of());
        writer.add(
                "m.weight",
                StoredType.I8,
                List.of((long) inputs, (long) OUTPUTS),
                MemorySegment.ofArray(paired));
        float[] scales = new float[OUTPUTS];
        for (int o = 0; o < OUTPUTS; o++) {
            scales[o] = 0.25f + o;
        }
        writer.add("m.weight_scales", List.of((long) OUTPUTS), scales);
        float[] values = values(Map.of("quant_method", "eetq", "weights", "int8"), writer, inputs);
        for (int at = 0; at < values.length; at++) {
            assertThat(values[at])
                    .as("at %d", at)
                    .isEqualTo((codes_OI[at] - 128) * scales[at / inputs]);
        }
    }

    /// Files hold codes as signed numbers.
    private static int signed(int code, int bits) {
        return code < 1 << (bits - 1) ? code : code - (1 << bits);
    }

    private float[] values(Map<String, Object> config, SafetensorsWriter writer)
            throws IOException {
        return values(config, writer, INPUTS);
    }

    private float[] values(Map<String, Object> config, SafetensorsWriter writer, int inputs)
            throws IOException {
        Path file = folder.resolve("matrix.safetensors");
        writer.write(file);
        try (WeightFiles files = WeightFiles.single(folder, file);
                Region region = Region.lasting("test")) {
            var wanted = new PackedForm.Wanted("m", OUTPUTS, inputs);
            Weight weight =
                    PackedForm.of(new LinkedHashMap<>(config))
                            .read(files, wanted, region)
                            .orElseThrow()
                            .weight();
            return weight.values();
        }
    }

    private static void ints(SafetensorsWriter writer, String name, int[] values) {
        writer.add(
                name, StoredType.I32, List.of((long) values.length), MemorySegment.ofArray(values));
    }

    private static int[] codes(int bits, int count) {
        int[] codes = new int[count];
        Arrays.setAll(codes, i -> ((i * 2_654_435) >>> 7) & ((1 << bits) - 1));
        return codes;
    }

    private static int words(int count, int bits) {
        return Math.ceilDiv(count * bits, 32);
    }

    /// Writes a number bit by bit.
    private static void put(int[] words, int begin, int stride, int index, int bits, int code) {
        for (int bit = 0; bit < bits; bit++) {
            int at = index * bits + bit;
            words[begin + at / 32 * stride] |= ((code >> bit) & 1) << (at % 32);
        }
    }
}
