package dev.tunesmith.engine.adapter;

import dev.tunesmith.engine.data.TokenBatch;
import dev.tunesmith.engine.io.ModelDirectory;
import dev.tunesmith.engine.model.Decoder;
import dev.tunesmith.engine.tape.CheckpointPolicy;
import dev.tunesmith.engine.tape.Tape;
import dev.tunesmith.engine.tensor.DType;
import dev.tunesmith.engine.tensor.Region;
import dev.tunesmith.engine.tensor.StepArena;
import dev.tunesmith.engine.tensor.Tensor;
import java.nio.file.Path;
import java.util.Arrays;

/// The golden bases and adapters of this package's tests, and what a model says to five tokens.
final class FiveTokens {

    static final Path GOLDEN = Path.of("src/test/resources/golden/adapters");

    private FiveTokens() {}

    static ModelDirectory base(String name) {
        return ModelDirectory.open(GOLDEN.resolve("base").resolve(name).resolve("model"));
    }

    static Decoder load(ModelDirectory directory) {
        return Decoder.load(directory, DType.F32, Decoder.Loading.MAPPED);
    }

    static float[] hidden(Decoder decoder) {
        return forward(decoder, false);
    }

    static float[] logits(Decoder decoder) {
        return forward(decoder, true);
    }

    private static float[] forward(Decoder decoder, boolean throughHead) {
        int[] labels = new int[5];
        Arrays.fill(labels, TokenBatch.NOT_TRAINED);
        TokenBatch batch =
                new TokenBatch(
                        new int[] {4, 8, 15, 16, 23},
                        new int[] {0, 1, 2, 3, 4},
                        new int[] {0, 5},
                        labels,
                        new float[5]);
        try (StepArena arena = StepArena.unlimited();
                Region step = arena.open("forward")) {
            Tape tape = Tape.silent(arena, step);
            Tensor hidden_ND = decoder.forward(tape, batch, CheckpointPolicy.keepAll());
            return (throughHead ? decoder.head().logits(tape, hidden_ND) : hidden_ND).toFloats();
        }
    }
}
