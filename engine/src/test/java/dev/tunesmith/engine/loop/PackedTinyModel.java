package dev.tunesmith.engine.loop;

import dev.tunesmith.engine.io.JsonTree;
import dev.tunesmith.engine.io.ModelDirectory;
import dev.tunesmith.engine.io.SafetensorsWriter;
import dev.tunesmith.engine.io.StoredTensor;
import dev.tunesmith.engine.io.StoredType;
import dev.tunesmith.engine.io.WeightFiles;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;

/// The base of a [TinyModel] with random codes in place of the matrices of its layers.
enum PackedTinyModel {
    GPTQ("{\"quant_method\": \"gptq\", \"bits\": 4, \"group_size\": 16}"),
    AWQ("{\"quant_method\": \"awq\", \"bits\": 4, \"group_size\": 16}"),
    HQQ("{\"quant_method\": \"hqq\", \"nbits\": 8, \"group_size\": 16, \"axis\": 1}"),
    FP8("{\"quant_method\": \"fp8\", \"weight_block_size\": [16, 16]}"),
    INT8("{\"quant_method\": \"bitsandbytes\", \"load_in_8bit\": true}");

    private static final int GROUP = 16;

    private final String config;

    PackedTinyModel(String config) {
        this.config = config;
    }

    /// Writes the packed model into a new folder.
    ModelDirectory write(ModelDirectory plain, Path folder) throws IOException {
        Files.createDirectory(folder);
        try (Stream<Path> files = Files.list(plain.path())) {
            for (Path file : files.filter(f -> !f.toString().endsWith("safetensors")).toList()) {
                Files.copy(file, folder.resolve(file.getFileName()));
            }
        }
        Map<String, Object> changed = new LinkedHashMap<>(plain.config());
        changed.put("quantization_config", JsonTree.parse(folder, config));
        JsonTree.write(folder.resolve(ModelDirectory.CONFIG), changed);
        SafetensorsWriter writer = new SafetensorsWriter(Map.of("format", "pt"));
        try (WeightFiles weights = plain.openWeights()) {
            Random random = new Random(5);
            for (String name : weights.names()) {
                StoredTensor tensor = weights.tensor(name);
                if (name.endsWith("_proj.weight")) {
                    String module = name.substring(0, name.length() - "weight".length());
                    int outputs = Math.toIntExact(tensor.shape().get(0));
                    int inputs = Math.toIntExact(tensor.shape().get(1));
                    pack(writer, module, outputs, inputs, random);
                } else {
                    writer.add(name, tensor.type(), tensor.shape(), weights.bytes(name));
                }
            }
            writer.write(folder.resolve(ModelDirectory.WEIGHTS));
        }
        return ModelDirectory.open(folder);
    }

    private void pack(
            SafetensorsWriter writer, String module, int outputs, int inputs, Random random) {
        int groups = inputs / GROUP;
        switch (this) {
            case GPTQ -> {
                ints(writer, module + "qweight", random, inputs / 8, outputs);
                ints(writer, module + "qzeros", random, groups, outputs / 8);
                scales(writer, module + "scales", random, groups, outputs);
            }
            case AWQ -> {
                ints(writer, module + "qweight", random, inputs, outputs / 8);
                ints(writer, module + "qzeros", random, groups, outputs / 8);
                scales(writer, module + "scales", random, groups, outputs);
            }
            case HQQ -> {
                int all = outputs * groups;
                bytes(writer, module + "W_q", StoredType.U8, random, all, GROUP, 255);
                scales(writer, module + "scale", random, all, 1);
                writer.add(module + "zero", List.of((long) all, 1L), filled(all, 127));
            }
            case FP8 -> {
                bytes(writer, module + "weight", StoredType.F8_E4M3, random, outputs, inputs, 0x40);
                scales(writer, module + "weight_scale_inv", random, outputs / GROUP, groups);
            }
            case INT8 -> {
                bytes(writer, module + "weight", StoredType.I8, random, outputs, inputs, 127);
                writer.add(module + "SCB", List.of((long) outputs), filled(outputs, 0.5f));
            }
        }
    }

    private static float[] filled(int count, float value) {
        float[] values = new float[count];
        Arrays.fill(values, value);
        return values;
    }

    private static void scales(
            SafetensorsWriter writer, String name, Random random, int rows, int columns) {
        float[] values = new float[rows * columns];
        for (int i = 0; i < values.length; i++) {
            values[i] = 0.01f + 0.01f * random.nextFloat();
        }
        writer.add(name, List.of((long) rows, (long) columns), values);
    }

    private static void ints(
            SafetensorsWriter writer, String name, Random random, int rows, int columns) {
        int[] values = random.ints((long) rows * columns).toArray();
        writer.add(
                name,
                StoredType.I32,
                List.of((long) rows, (long) columns),
                MemorySegment.ofArray(values));
    }

    private static void bytes(
            SafetensorsWriter writer,
            String name,
            StoredType type,
            Random random,
            int rows,
            int columns,
            int largest) {
        byte[] values = new byte[rows * columns];
        for (int i = 0; i < values.length; i++) {
            values[i] =
                    (byte)
                            (random.nextInt(largest)
                                    | (type == StoredType.U8 ? 0 : random.nextInt(2) << 7));
        }
        writer.add(name, type, List.of((long) rows, (long) columns), MemorySegment.ofArray(values));
    }
}
