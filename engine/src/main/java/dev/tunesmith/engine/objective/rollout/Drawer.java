package dev.tunesmith.engine.objective.rollout;

import dev.tunesmith.contracts.method.MethodSettings.Ppo;
import dev.tunesmith.engine.decode.Rollouts;
import dev.tunesmith.engine.model.Decoder;
import dev.tunesmith.engine.tensor.StepArena;
import java.util.List;
import java.util.Set;

/// Lets a model answer, with the cache and the sampler of serving.
///
/// @param stopTokens tokens that end an answer
public record Drawer(Decoder model, Set<Integer> stopTokens, Ppo.Rollout rollout, long seed) {

    private static final long GOLDEN_GAMMA = 0x9E3779B97F4A7C15L;
    private static final long OF_COPY = 0xD1B54A32D192ED03L;

    public Drawer {
        stopTokens = Set.copyOf(stopTokens);
    }

    /// The seed of an answer.
    ///
    /// @param occasion another number draws other answers
    /// @param row number of the prompt
    /// @param copy number of the answer to it
    long seed(long occasion, long row, int copy) {
        return seed ^ (occasion * 1_000_003 + row + 1) * GOLDEN_GAMMA + copy * OF_COPY;
    }

    /// One answer to each prompt.
    List<Rollouts.Answer> draw(
            StepArena arena, List<int[]> prompts, long[] seeds, double temperature) {
        var options =
                new Rollouts.Options(
                        rollout.tokensMax(),
                        temperature,
                        rollout.topP(),
                        rollout.topK(),
                        stopTokens);
        return Rollouts.draw(model, arena, prompts, seeds, options);
    }
}
