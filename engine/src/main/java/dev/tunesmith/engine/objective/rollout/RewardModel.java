package dev.tunesmith.engine.objective.rollout;

import dev.tunesmith.engine.data.BatchBuilder;
import dev.tunesmith.engine.data.Sample;
import dev.tunesmith.engine.data.TokenBatch;
import dev.tunesmith.engine.model.Decoder;
import dev.tunesmith.engine.model.ScoreHead;
import dev.tunesmith.engine.tape.CheckpointPolicy;
import dev.tunesmith.engine.tape.Tape;
import dev.tunesmith.engine.tensor.Region;
import dev.tunesmith.engine.tensor.StepArena;
import dev.tunesmith.engine.tensor.Tensor;
import java.util.List;

/// A trained reward model: the score of prompt and answer at the last token. It has the tokenizer
/// of the model that answers.
public record RewardModel(Decoder model, ScoreHead head) {

    /// Documents that go through the model at once.
    private static final int TOGETHER = 8;

    double[] scores(StepArena arena, List<Sample> documents) {
        double[] scores = new double[documents.size()];
        for (int from = 0; from < scores.length; from += TOGETHER) {
            int to = Math.min(scores.length, from + TOGETHER);
            BatchBuilder builder = new BatchBuilder();
            documents.subList(from, to).forEach(builder::add);
            double[] part = scores(arena, builder.build());
            System.arraycopy(part, 0, scores, from, part.length);
        }
        return scores;
    }

    private double[] scores(StepArena arena, TokenBatch batch) {
        int[] last_D = new int[batch.documents()];
        for (int d = 0; d < last_D.length; d++) {
            last_D[d] = batch.cuSeqlens_D1()[d + 1] - 1;
        }
        try (Region region = arena.open("scores of answers")) {
            Tape silent = Tape.silent(arena, region);
            Tensor hidden_ND = model.forward(silent, batch, CheckpointPolicy.keepAll());
            return head.values(silent, hidden_ND, last_D);
        }
    }
}
