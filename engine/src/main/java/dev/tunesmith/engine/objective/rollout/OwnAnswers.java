package dev.tunesmith.engine.objective.rollout;

import dev.tunesmith.engine.data.BatchBuilder;
import dev.tunesmith.engine.data.TokenBatch;
import dev.tunesmith.engine.decode.Rollouts;
import dev.tunesmith.engine.objective.Objective;
import dev.tunesmith.engine.tensor.StepArena;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;

/// On-policy distillation (GKD, arXiv 2306.13649): in a share of the steps the answers of the rows
/// are replaced by what the student says itself. Which steps, and what it says, follow from the
/// seed and the number of the step.
///
/// @param learning what is done with the answers
/// @param share of the steps with own answers
public record OwnAnswers(Objective learning, Drawer drawer, double share) implements Objective {

    @Override
    public Step begin(StepArena arena, List<TokenBatch> parts, Occasion occasion) {
        boolean own =
                occasion.training()
                        && new SplittableRandom(drawer.seed(occasion.step(), -1, 0)).nextDouble()
                                < share;
        return learning.begin(arena, own ? drawn(arena, parts, occasion.step()) : parts, occasion);
    }

    /// Documents are counted over all parts: what is said does not depend on how the step was cut.
    private List<TokenBatch> drawn(StepArena arena, List<TokenBatch> parts, long step) {
        List<TokenBatch> drawn = new ArrayList<>();
        int documents = 0;
        for (TokenBatch part : parts) {
            drawn.add(drawn(arena, part, step, documents));
            documents += part.documents();
        }
        return drawn;
    }

    private TokenBatch drawn(StepArena arena, TokenBatch batch, long step, int before) {
        List<int[]> prompts = new ArrayList<>();
        long[] seeds = new long[batch.documents()];
        for (int d = 0; d < seeds.length; d++) {
            prompts.add(prompt(batch, d));
            seeds[d] = drawer.seed(step, Arrays.hashCode(prompts.get(d)), before + d);
        }
        List<Rollouts.Answer> answers =
                drawer.draw(arena, prompts, seeds, drawer.rollout().temperature());
        BatchBuilder builder = new BatchBuilder();
        for (int d = 0; d < seeds.length; d++) {
            builder.add(Actor.document(prompts.get(d), answers.get(d).tokens(), 0));
        }
        return builder.build();
    }

    /// All tokens before the first that is to be learned.
    private static int[] prompt(TokenBatch batch, int document) {
        int begin = batch.cuSeqlens_D1()[document];
        int end = begin;
        int last = batch.cuSeqlens_D1()[document + 1] - 1;
        while (end < last && batch.labels_N()[end] == TokenBatch.NOT_TRAINED) {
            end++;
        }
        return Arrays.copyOfRange(batch.ids_N(), begin, end + 1);
    }
}
