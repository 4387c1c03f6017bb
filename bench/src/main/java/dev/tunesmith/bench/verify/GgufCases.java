package dev.tunesmith.bench.verify;

import dev.tunesmith.bench.golden.CaseRunner;
import dev.tunesmith.bench.golden.Comparison;
import dev.tunesmith.bench.golden.GoldenCase;
import dev.tunesmith.bench.golden.GoldenTensors;
import dev.tunesmith.bench.golden.Tolerance;
import dev.tunesmith.bench.golden.UnsupportedCaseException;
import dev.tunesmith.engine.gguf.GgufImport;
import dev.tunesmith.engine.gguf.GgufType;
import dev.tunesmith.engine.io.ModelDirectory;
import dev.tunesmith.engine.io.StoredType;
import dev.tunesmith.engine.model.Decoder;
import dev.tunesmith.engine.tensor.DType;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/// Groups of files of llama.cpp.
final class GgufCases {

    private GgufCases() {}

    /// Group `quant/gguf_blocks`: the bytes of blocks and their values.
    static void blocks(GoldenCase golden, Comparison comparison) {
        String name = golden.text("parameters.type", "").toUpperCase(Locale.ROOT);
        GgufType type =
                Arrays.stream(GgufType.values())
                        .filter(one -> one.name().equals(name))
                        .findFirst()
                        .orElseThrow(() -> new UnsupportedCaseException("block type " + name));
        int[] stored = golden.tensors("stored.safetensors").orElseThrow().integers("bytes");
        byte[] bytes = new byte[stored.length];
        for (int i = 0; i < bytes.length; i++) {
            bytes[i] = (byte) stored[i];
        }
        GoldenTensors expected = golden.tensors("tensors.safetensors").orElseThrow();
        comparison.golden(
                "dequantised",
                type.decode(bytes),
                expected,
                "dequantised_f32",
                new Tolerance(
                        golden.number("tolerance.dequantised.atol", 0),
                        golden.number("tolerance.dequantised.rtol", 0),
                        0));
    }

    /// Group `quant/gguf_models`: a whole file and the logits of a prompt.
    static void models(GoldenCase golden, Comparison comparison) {
        GoldenTensors tensors = golden.tensors("tensors.safetensors").orElseThrow();
        TemporaryFolder.with(folder -> {
            List<String> _ =
                    GgufImport.run(golden.folder().resolve("model.gguf"), folder, StoredType.F32);
            try (ModelRun run =
                    new ModelRun(
                            Decoder.load(
                                    ModelDirectory.open(folder),
                                    DType.F32,
                                    Decoder.Loading.MAPPED))) {
                comparison.tensor(
                        "logits",
                        run.forward(Batches.unlabelled(tensors, "")).logits(),
                        tensors.floats("logits").orElseThrow(),
                        Tolerance.absolute(golden.number("tolerance.logits.atol", 0)));
            }
        });
    }

    static CaseRunner ofBlocks() {
        return GgufCases::blocks;
    }

    static CaseRunner ofModels() {
        return GgufCases::models;
    }
}
