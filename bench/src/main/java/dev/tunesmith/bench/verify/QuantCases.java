package dev.tunesmith.bench.verify;

import dev.tunesmith.bench.golden.CaseRunner;
import dev.tunesmith.bench.golden.Comparison;
import dev.tunesmith.bench.golden.GoldenCase;
import dev.tunesmith.bench.golden.GoldenTensors;
import dev.tunesmith.bench.golden.Tolerance;
import dev.tunesmith.bench.golden.UnsupportedCaseException;
import dev.tunesmith.engine.adapter.Adapter;
import dev.tunesmith.engine.adapter.kind.LoraConfig;
import dev.tunesmith.engine.adapter.site.Targets;
import dev.tunesmith.engine.data.TokenBatch;
import dev.tunesmith.engine.io.ModelDirectory;
import dev.tunesmith.engine.io.SafetensorsFile;
import dev.tunesmith.engine.io.SafetensorsWriter;
import dev.tunesmith.engine.io.StoredTensor;
import dev.tunesmith.engine.io.StoredType;
import dev.tunesmith.engine.io.WeightFiles;
import dev.tunesmith.engine.model.Decoder;
import dev.tunesmith.engine.nn.Head;
import dev.tunesmith.engine.nn.Linear;
import dev.tunesmith.engine.nn.Parameter;
import dev.tunesmith.engine.nn.Weight;
import dev.tunesmith.engine.ops.FourBitMatrix;
import dev.tunesmith.engine.optim.Optimizer;
import dev.tunesmith.engine.optim.ParameterGroup;
import dev.tunesmith.engine.optim.Rule;
import dev.tunesmith.engine.quant.BitsAndBytes4;
import dev.tunesmith.engine.quant.FourBitFormat;
import dev.tunesmith.engine.quant.FourBitKind;
import dev.tunesmith.engine.quant.PackedForm;
import dev.tunesmith.engine.tape.CheckpointPolicy;
import dev.tunesmith.engine.tensor.DType;
import dev.tunesmith.engine.tensor.Region;
import dev.tunesmith.engine.tensor.Tensor;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/// Groups below `quant`: weights in fewer bits.
final class QuantCases {

    private QuantCases() {}

    /// Group `quant/bnb4`: a matrix, its four-bit codes and the values that they stand for.
    static final class FourBit implements CaseRunner {

        private static final String MODULE = "matrix";
        private static final String WEIGHT = MODULE + ".weight";

        @Override
        public void run(GoldenCase golden, Comparison comparison) {
            TemporaryFolder.with(folder -> run(golden, comparison, folder));
        }

        private static void run(GoldenCase golden, Comparison comparison, Path folder)
                throws IOException {
            Path renamed = folder.resolve("stored.safetensors");
            rename(golden.folder().resolve("stored.safetensors"), renamed);
            List<Long> shape = shape(golden);
            try (WeightFiles files = WeightFiles.single(folder, renamed);
                    Region region = Region.lasting("golden matrix")) {
                var wanted = new PackedForm.Wanted(MODULE, shape.get(0), shape.get(1));
                Weight weight =
                        new BitsAndBytes4()
                                .read(files, wanted, region)
                                .orElseThrow(
                                        () -> new UnsupportedCaseException("no four-bit matrix"))
                                .weight();
                dequantised(golden, weight, shape, comparison);
            }
            if (golden.file("source.safetensors").isPresent()) {
                Path own = folder.resolve("own.safetensors");
                quantise(golden, shape, own);
                equalBytes(renamed, own, comparison);
            }
        }

        /// Under the names that the tensors have in a checkpoint.
        private static void rename(Path stored, Path renamed) throws IOException {
            var writer = new SafetensorsWriter(Map.of());
            try (SafetensorsFile file = SafetensorsFile.open(stored)) {
                for (StoredTensor tensor : file.tensors()) {
                    String name =
                            tensor.name().equals("weight") ? WEIGHT : WEIGHT + "." + tensor.name();
                    writer.add(name, tensor.type(), tensor.shape(), file.bytes(tensor.name()));
                }
                writer.write(renamed);
            }
        }

        private static List<Long> shape(GoldenCase golden) {
            return golden.list("quant_state.shape").stream()
                    .map(size -> ((Number) size).longValue())
                    .toList();
        }

        private static void dequantised(
                GoldenCase golden, Weight weight, List<Long> shape, Comparison comparison) {
            GoldenTensors expected = golden.tensors("dequantised.safetensors").orElseThrow();
            double ulps = golden.number("tolerance.dequantised.max_ulp", 0);
            var tolerance = new Tolerance(0, ulps * Math.ulp(1f), 0);
            comparison.golden("float32", weight.values(), expected, "float32", tolerance);
            String type = golden.text("quant_state.dtype", "");
            expected.floats("source_type")
                    .ifPresent(values -> {
                        float[] rounded = rounded(type, (Weight.Coded) weight, shape);
                        double step = type.equals("bfloat16") ? 0x1p-7 : 0x1p-10;
                        comparison.tensor(type, rounded, values, new Tolerance(0, ulps * step, 0));
                    });
        }

        private static float[] rounded(String type, Weight.Coded weight, List<Long> shape) {
            if (type.equals("bfloat16")) {
                try (Region region = Region.lasting("rounded matrix")) {
                    Tensor values = region.tensor(DType.BF16, shape.get(0), shape.get(1));
                    weight.matrix().dequantise(values);
                    return values.toFloats();
                }
            }
            float[] values = weight.values();
            for (int i = 0; i < values.length; i++) {
                values[i] = Float.float16ToFloat(Float.floatToFloat16(values[i]));
            }
            return values;
        }

        private static void quantise(GoldenCase golden, List<Long> shape, Path file)
                throws IOException {
            String type = golden.text("quant_state.dtype", "");
            FourBitKind kind =
                    FourBitKind.valueOf(
                            golden.text("quant_state.quant_type", "").toUpperCase(Locale.ROOT));
            var format =
                    new FourBitFormat(
                            kind,
                            (int) golden.number("quant_state.blocksize", 0),
                            golden.find("quant_state.nested_offset") instanceof Number);
            GoldenTensors source = golden.tensors("source.safetensors").orElseThrow();
            try (Region region = Region.lasting("own matrix")) {
                DType held = type.equals("bfloat16") ? DType.BF16 : DType.F32;
                Tensor values = region.tensor(held, shape.get(0), shape.get(1));
                values.set(source.floats("weight").orElseThrow());
                var matrix =
                        new FourBitMatrix(
                                shape.get(0),
                                shape.get(1),
                                format.quantise(values, region),
                                region);
                var writer = new SafetensorsWriter(Map.of());
                BitsAndBytes4.write(writer, WEIGHT, matrix, new BitsAndBytes4.Source(kind, type));
                writer.write(file);
            }
        }

        /// Every tensor of the first file must be in the second, byte for byte.
        static void equalBytes(Path expected, Path actual, Comparison comparison) {
            try (SafetensorsFile a = SafetensorsFile.open(expected);
                    SafetensorsFile b = SafetensorsFile.open(actual)) {
                for (StoredTensor tensor : a.tensors()) {
                    String name = tensor.name();
                    if (b.find(name).isEmpty()) {
                        comparison.fail("no tensor %s is written".formatted(name));
                    } else {
                        comparison.equal(name + " shape", b.tensor(name).shape(), tensor.shape());
                        comparison.equal("bytes of " + name, hex(b, name), hex(a, name));
                    }
                }
            }
        }

        private static String hex(SafetensorsFile file, String name) {
            byte[] bytes = file.bytes(name).toArray(ValueLayout.JAVA_BYTE);
            boolean text =
                    file.tensor(name).type() == StoredType.U8 && name.contains("quant_state");
            return text
                    ? new String(bytes, java.nio.charset.StandardCharsets.UTF_8)
                    : Arrays.toString(bytes);
        }
    }

    /// Group `quant/bnb_models`: a quantised checkpoint and its logits, or LoRA steps on one.
    static final class Checkpoints implements CaseRunner {

        @Override
        public void run(GoldenCase golden, Comparison comparison) {
            GoldenTensors tensors = golden.tensors("tensors.safetensors").orElseThrow();
            ModelDirectory directory = ModelDirectory.open(checkpoint(golden));
            if (golden.list("losses").isEmpty()) {
                logits(golden, directory, tensors, comparison);
            } else {
                training(golden, directory, tensors, comparison);
            }
        }

        /// The case's own checkpoint, or that of the case beside it which the description ends
        /// with.
        private static Path checkpoint(GoldenCase golden) {
            Path own = golden.folder().resolve("checkpoint");
            if (Files.isDirectory(own)) {
                return own;
            }
            String what = golden.text("what", "");
            String last = what.substring(what.lastIndexOf(' ') + 1);
            return golden.above(last + "/checkpoint");
        }

        private static void logits(
                GoldenCase golden,
                ModelDirectory directory,
                GoldenTensors tensors,
                Comparison comparison) {
            boolean bf16 = golden.text("parameters.dtype", "").equals("bfloat16");
            DType compute = bf16 ? DType.BF16 : DType.F32;
            try (ModelRun run =
                    new ModelRun(Decoder.load(directory, compute, Decoder.Loading.MAPPED))) {
                TokenBatch batch = Batches.unlabelled(tensors, "");
                int vocabulary = run.decoder().architecture().size().vocabulary();
                float[] expected =
                        Batches.validRows(
                                tensors, "", tensors.floats("logits").orElseThrow(), vocabulary);
                comparison.tensor(
                        "logits",
                        run.forward(batch).logits(),
                        expected,
                        Tolerance.absolute(golden.number("tolerance.logits.atol", 0)));
                layers(golden, run.decoder(), tensors, comparison);
            }
        }

        /// Single layers, named `layer/NAME/input` and `layer/NAME/output`.
        private static void layers(
                GoldenCase golden, Decoder decoder, GoldenTensors tensors, Comparison comparison) {
            double ofLargest = golden.number("tolerance.layers.max_abs_diff_over_max_abs", 0);
            for (Linear layer : decoder.linears()) {
                String name = "layer/" + layer.name();
                tensors.floats(name + "/input")
                        .ifPresent(input ->
                                comparison.golden(
                                        name,
                                        PackedMatrixCases.product(layer.weight(), input),
                                        tensors,
                                        name + "/output",
                                        new Tolerance(0, 0, ofLargest)));
            }
        }

        private static void training(
                GoldenCase golden,
                ModelDirectory directory,
                GoldenTensors tensors,
                Comparison comparison) {
            List<String> targets =
                    golden.list("parameters.targets").stream().map(String::valueOf).toList();
            LoraConfig config =
                    LoraConfig.plain(
                            "base",
                            (int) golden.number("parameters.r", 0),
                            golden.number("parameters.alpha", 0),
                            0,
                            Targets.named(targets));
            try (ModelRun run =
                            new ModelRun(
                                    Decoder.load(directory, DType.F32, Decoder.Loading.MAPPED));
                    Adapter adapter = Adapter.fresh(run.decoder(), config, 0);
                    Region region = Region.lasting("optimizer")) {
                for (Parameter parameter : adapter.parameters()) {
                    parameter
                            .value()
                            .set(tensors.floats("start/" + parameter.name()).orElseThrow());
                }
                adapter.train();
                Optimizer optimizer =
                        Optimizer.of(
                                ParameterGroup.byDecay(adapter.parameters(), 0),
                                Rule.AdamW.USUAL,
                                golden.number("parameters.clip", 0),
                                region);
                steps(golden, run, adapter, optimizer, tensors, comparison);
                Tolerance weights = Tolerance.absolute(golden.number("tolerance.weights.atol", 0));
                adapter.parameters()
                        .forEach(parameter ->
                                comparison.golden(
                                        "trained " + parameter.name(),
                                        parameter.best(),
                                        tensors,
                                        "final/" + parameter.name(),
                                        weights));
            }
        }

        private static void steps(
                GoldenCase golden,
                ModelRun run,
                Adapter adapter,
                Optimizer optimizer,
                GoldenTensors tensors,
                Comparison comparison) {
            var tolerance =
                    new Tolerance(
                            golden.number("tolerance.loss.atol", 0),
                            golden.number("tolerance.loss.rtol", 0),
                            0);
            var ofGradients =
                    new Tolerance(
                            0,
                            0,
                            golden.number("tolerance.gradients.max_abs_diff_over_max_abs", 0));
            List<?> losses = golden.list("losses");
            List<?> norms = golden.list("grad_norms");
            for (int step = 0; step < losses.size(); step++) {
                TokenBatch batch = Batches.padded(tensors, "batch/%d/".formatted(step));
                Head.Losses result = run.lossAndGradients(batch, CheckpointPolicy.keepAll());
                comparison.number(
                        "loss of step " + step,
                        result.weighted() / batch.weightSum(),
                        ((Number) losses.get(step)).doubleValue(),
                        tolerance);
                if (step == 0) {
                    for (Parameter parameter : adapter.parameters()) {
                        comparison.golden(
                                "gradient of " + parameter.name(),
                                parameter.gradient().toFloats(),
                                tensors,
                                "grad/" + parameter.name(),
                                ofGradients);
                    }
                }
                double norm = optimizer.step(golden.number("parameters.lr", 0)).gradientNorm();
                if (step < norms.size()) {
                    comparison.number(
                            "gradient norm of step " + step,
                            norm,
                            ((Number) norms.get(step)).doubleValue(),
                            new Tolerance(0, 1e-4, 0));
                }
                adapter.parameters().forEach(Parameter::clearGradient);
            }
        }
    }
}
