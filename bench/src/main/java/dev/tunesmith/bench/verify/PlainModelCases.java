package dev.tunesmith.bench.verify;

import dev.tunesmith.engine.data.TokenBatch;
import dev.tunesmith.engine.io.ModelDirectory;
import dev.tunesmith.engine.model.Decoder;
import dev.tunesmith.engine.nn.Head;
import dev.tunesmith.engine.tensor.DType;

/// Group `adapters/base`: the models that adapters are made for, without any adapter.
final class PlainModelCases implements CaseRunner {

    /// These cases hold no tolerance; those of the adapters on them start here.
    private static final Tolerance LOGITS = new Tolerance(2e-4, 1e-5, 0);

    private static final Tolerance LOSS = new Tolerance(1e-5, 1e-5, 0);

    @Override
    public void run(GoldenCase golden, Comparison comparison) {
        ModelDirectory directory = ModelDirectory.open(golden.folder().resolve("model"));
        try (ModelRun run =
                new ModelRun(Decoder.load(directory, DType.F32, Decoder.Loading.MAPPED))) {
            TokenBatch batch =
                    Batches.padded(golden.tensors("batch.safetensors").orElseThrow(), "");
            GoldenTensors expected = golden.tensors("expected.safetensors").orElseThrow();
            comparison.golden("logits", run.forward(batch).logits(), expected, "logits", LOGITS);
            Head.Losses losses = run.loss(batch);
            expected.number("loss_mean")
                    .ifPresent(mean ->
                            comparison.number(
                                    "loss_mean",
                                    losses.weighted() / batch.weightSum(),
                                    mean,
                                    LOSS));
        }
    }
}
