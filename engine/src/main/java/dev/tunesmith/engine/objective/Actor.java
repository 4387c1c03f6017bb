package dev.tunesmith.engine.objective;

import dev.tunesmith.contracts.method.Grader;
import dev.tunesmith.contracts.method.MethodSettings.Ppo;
import dev.tunesmith.engine.data.Sample;
import dev.tunesmith.engine.data.TokenBatch;
import dev.tunesmith.engine.decode.Rollouts;
import dev.tunesmith.engine.model.Decoder;
import dev.tunesmith.engine.text.Tokenizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// Draws answers to prompts and has them graded.
///
/// @param items the rows that the prompts come from, by the value of their documents
/// @param stopTokens tokens that end an answer
public record Actor(
        Decoder model,
        Tokenizer tokenizer,
        Set<Integer> stopTokens,
        List<Map<String, Object>> items,
        Ppo.Rollout rollout,
        Grader grader,
        long seed) {

    private static final long GOLDEN_GAMMA = 0x9E3779B97F4A7C15L;

    public Actor {
        stopTokens = Set.copyOf(stopTokens);
        items = List.copyOf(items);
    }

    /// An answer and its grade.
    ///
    /// @param document prompt and answer; the answer's tokens have weight 1
    /// @param ended whether the model ended it itself
    public record Graded(Sample document, int length, double score, boolean ended) {}

    /// Answers to all prompts of a batch.
    ///
    /// @param occasion another number draws other answers
    public List<Graded> answers(TokenBatch prompts, long occasion, double temperature) {
        List<int[]> texts = new ArrayList<>();
        long[] seeds = new long[prompts.documents()];
        for (int d = 0; d < seeds.length; d++) {
            texts.add(
                    Arrays.copyOfRange(
                            prompts.ids_N(),
                            prompts.cuSeqlens_D1()[d],
                            prompts.cuSeqlens_D1()[d + 1]));
            long row = (long) prompts.values_D()[d];
            seeds[d] = seed ^ (occasion * 1_000_003 + row + 1) * GOLDEN_GAMMA;
        }
        var options =
                new Rollouts.Options(
                        rollout.tokensMax(),
                        temperature,
                        rollout.topP(),
                        rollout.topK(),
                        stopTokens);
        List<Rollouts.Answer> drawn = Rollouts.draw(model, texts, seeds, options);
        List<Graded> graded = new ArrayList<>();
        for (int d = 0; d < drawn.size(); d++) {
            graded.add(graded(texts.get(d), drawn.get(d), (int) prompts.values_D()[d]));
        }
        return graded;
    }

    private Graded graded(int[] prompt, Rollouts.Answer answer, int item) {
        int[] tokens = answer.tokens();
        int[] ids = Arrays.copyOf(prompt, prompt.length + tokens.length);
        System.arraycopy(tokens, 0, ids, prompt.length, tokens.length);
        float[] weights = new float[ids.length];
        Arrays.fill(weights, prompt.length, ids.length, 1);
        int[] said = Arrays.copyOf(tokens, tokens.length - (answer.ended() ? 1 : 0));
        double score = grader.score(items.get(item), tokenizer.decode(said, true));
        return new Graded(new Sample(ids, weights, item), tokens.length, score, answer.ended());
    }
}
