package dev.tunesmith.bench.verify;

import dev.tunesmith.bench.golden.CaseRunner;
import dev.tunesmith.bench.golden.Comparison;
import dev.tunesmith.bench.golden.GoldenCase;
import dev.tunesmith.bench.golden.GoldenTensors;
import dev.tunesmith.bench.golden.Tolerance;
import dev.tunesmith.bench.golden.UnsupportedCaseException;
import dev.tunesmith.engine.io.SafetensorsFile;
import dev.tunesmith.engine.io.SafetensorsWriter;
import dev.tunesmith.engine.io.StoredTensor;
import dev.tunesmith.engine.io.WeightFiles;
import dev.tunesmith.engine.nn.Weight;
import dev.tunesmith.engine.quant.Float8;
import dev.tunesmith.engine.quant.PackedForm;
import dev.tunesmith.engine.quant.UnsupportedFormException;
import dev.tunesmith.engine.tensor.DType;
import dev.tunesmith.engine.tensor.Region;
import dev.tunesmith.engine.tensor.StepArena;
import dev.tunesmith.engine.tensor.Tensor;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;

/// Groups below `quant` with one matrix as a checkpoint stores it and the values that it stands
/// for.
///
/// @param config the `quantization_config` of such a checkpoint, from what the case says
/// @param turned whether the case holds values as [inputs, outputs]
record PackedMatrixCases(Function<GoldenCase, Map<?, ?>> config, boolean turned)
        implements CaseRunner {
    private static final String MODULE = "matrix";

    /// Cases that hold the configuration itself.
    static PackedMatrixCases turnedWithConfig() {
        return new PackedMatrixCases(golden -> tree(golden, "quantization_config"), true);
    }

    static PackedMatrixCases hqq() {
        return new PackedMatrixCases(
                golden ->
                        Map.of(
                                "quant_method", "hqq",
                                "nbits", golden.find("parameters.bits"),
                                "group_size", golden.find("parameters.group"),
                                "axis", golden.find("parameters.axis")),
                false);
    }

    static PackedMatrixCases compressedTensors() {
        return new PackedMatrixCases(
                golden ->
                        Map.of(
                                "quant_method", "compressed-tensors",
                                "format", golden.find("parameters.format"),
                                "config_groups",
                                        Map.of(
                                                "group_0",
                                                Map.of(
                                                        "weights",
                                                        tree(golden, "parameters.args")))),
                false);
    }

    static PackedMatrixCases int8() {
        return new PackedMatrixCases(
                golden ->
                        Map.of(
                                "quant_method",
                                "bitsandbytes",
                                "load_in_8bit",
                                true,
                                "llm_int8_threshold",
                                golden.number("parameters.threshold", 6)),
                false);
    }

    static PackedMatrixCases float8() {
        return new PackedMatrixCases(
                golden -> {
                    int block = (int) golden.number("parameters.block", 128);
                    return Map.of(
                            "quant_method", "fp8", "weight_block_size", List.of(block, block));
                },
                false);
    }

    private static Map<?, ?> tree(GoldenCase golden, String path) {
        return golden.find(path) instanceof Map<?, ?> map ? map : Map.of();
    }

    @Override
    public void run(GoldenCase golden, Comparison comparison) {
        GoldenTensors tensors = golden.tensors("tensors.safetensors").orElseThrow();
        Optional<Path> stored = golden.file("stored.safetensors");
        if (stored.isEmpty()) {
            float8Table(tensors, comparison);
            return;
        }
        TemporaryFolder.with(folder -> {
            Path renamed = folder.resolve("stored.safetensors");
            rename(stored.get(), renamed);
            List<?> shape = golden.list("parameters.shape");
            var wanted = new PackedForm.Wanted(MODULE, size(shape, 0), size(shape, 1));
            try (WeightFiles files = WeightFiles.single(folder, renamed);
                    Region region = Region.lasting("golden matrix")) {
                Weight weight =
                        PackedForm.of(config.apply(golden))
                                .read(files, wanted, region)
                                .orElseThrow(
                                        () -> new UnsupportedCaseException("no quantised matrix"))
                                .weight();
                values(golden, weight, tensors, comparison);
                product(golden, weight, tensors, comparison);
            } catch (UnsupportedFormException e) {
                throw new UnsupportedCaseException(String.join("; ", e.faults()));
            }
        });
    }

    private static long size(List<?> shape, int index) {
        return ((Number) shape.get(index)).longValue();
    }

    /// Under the names that the tensors have in a checkpoint.
    private static void rename(Path stored, Path renamed) throws IOException {
        var writer = new SafetensorsWriter(Map.of());
        try (SafetensorsFile file = SafetensorsFile.open(stored)) {
            for (StoredTensor tensor : file.tensors()) {
                writer.add(
                        MODULE + "." + tensor.name(),
                        tensor.type(),
                        tensor.shape(),
                        file.bytes(tensor.name()));
            }
            writer.write(renamed);
        }
    }

    private void values(
            GoldenCase golden, Weight weight, GoldenTensors tensors, Comparison comparison) {
        float[] values = weight.values();
        if (turned) {
            values = turned(values, Math.toIntExact(weight.inputs()));
        }
        double ulps = golden.number("tolerance.dequantised.max_ulp", 1);
        for (String name : List.of("dequantised_f32", "dequantised_weight")) {
            if (tensors.has(name)) {
                comparison.tensor(
                        name,
                        values,
                        tensors.floats(name).orElseThrow(),
                        new Tolerance(0, ulps * 0x1p-23, 0));
            }
        }
        if (tensors.has("dequantised_f16")) {
            float[] halves = new float[values.length];
            for (int i = 0; i < halves.length; i++) {
                halves[i] = Float.float16ToFloat(Float.floatToFloat16(values[i]));
            }
            comparison.tensor(
                    "dequantised_f16",
                    halves,
                    tensors.floats("dequantised_f16").orElseThrow(),
                    new Tolerance(0x1p-24, ulps * 0x1p-10, 0));
        }
    }

    private static float[] turned(float[] values_OI, int inputs) {
        float[] values_IO = new float[values_OI.length];
        int outputs = values_OI.length / inputs;
        for (int at = 0; at < values_OI.length; at++) {
            values_IO[at % inputs * outputs + at / inputs] = values_OI[at];
        }
        return values_IO;
    }

    /// The layer as a whole, where the case has inputs and outputs of one.
    private static void product(
            GoldenCase golden, Weight weight, GoldenTensors tensors, Comparison comparison) {
        if (!tensors.has("input") || !tensors.has("output")) {
            return;
        }
        comparison.tensor(
                "output",
                product(weight, tensors.floats("input").orElseThrow()),
                tensors.floats("output").orElseThrow(),
                Tolerance.absolute(golden.number("tolerance.output.atol", 0)));
    }

    /// `x · wᵀ` in fp32.
    static float[] product(Weight weight, float[] x) {
        try (StepArena arena = StepArena.unlimited();
                Region region = arena.open("golden layer")) {
            long rows = x.length / weight.inputs();
            Tensor y_NO = region.tensor(DType.F32, rows, weight.outputs());
            weight.product(y_NO, region.floats(x, rows, weight.inputs()), null, arena);
            return y_NO.toFloats();
        }
    }

    private static void float8Table(GoldenTensors tensors, Comparison comparison) {
        int[] bytes = tensors.integers("bytes");
        float[] table = Float8.values();
        tensors.floats("values")
                .ifPresent(values -> {
                    for (int i = 0; i < bytes.length; i++) {
                        comparison.equal("value of byte " + bytes[i], table[bytes[i]], values[i]);
                    }
                });
        tensors.floats("input")
                .ifPresent(input -> {
                    for (int i = 0; i < bytes.length; i++) {
                        comparison.equal(
                                "byte of " + input[i],
                                Byte.toUnsignedInt(Float8.code(input[i])),
                                bytes[i]);
                    }
                });
    }
}
