package dev.tunesmith.engine.objective.rollout;

import dev.tunesmith.contracts.method.Grader;
import dev.tunesmith.engine.data.Sample;
import dev.tunesmith.engine.data.TokenBatch;
import dev.tunesmith.engine.decode.Rollouts;
import dev.tunesmith.engine.tensor.StepArena;
import dev.tunesmith.engine.text.Tokenizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/// Draws answers to prompts and has them graded.
///
/// @param items the rows that the prompts come from, by the value of their documents; read when
///   they are graded
/// @param judges the models that the grader may ask
public record Actor(
        Drawer drawer,
        Tokenizer tokenizer,
        List<Map<String, Object>> items,
        Grader grader,
        Judges judges) {

    /// An answer and its grade.
    ///
    /// @param document prompt and answer; the answer's tokens have weight 1
    /// @param parts grades of the parts of the grader by name
    /// @param ended whether the model ended it itself
    public record Graded(
            Sample document, int length, double score, Map<String, Double> parts, boolean ended) {}

    /// Some answers to each prompt of some batches; those to one prompt lie side by side.
    ///
    /// @param occasion another number draws other answers
    /// @param copies answers to each prompt
    public List<Graded> answers(
            StepArena arena,
            List<TokenBatch> prompts,
            long occasion,
            double temperature,
            int copies) {
        List<int[]> texts = new ArrayList<>();
        List<Integer> rows = new ArrayList<>();
        List<Long> seeds = new ArrayList<>();
        for (TokenBatch batch : prompts) {
            for (int d = 0; d < batch.documents(); d++) {
                int row = (int) batch.values_D()[d];
                int[] text =
                        Arrays.copyOfRange(
                                batch.ids_N(),
                                batch.cuSeqlens_D1()[d],
                                batch.cuSeqlens_D1()[d + 1]);
                for (int copy = 0; copy < copies; copy++) {
                    texts.add(text);
                    rows.add(row);
                    seeds.add(drawer.seed(occasion, row, copy));
                }
            }
        }
        List<Rollouts.Answer> drawn =
                drawer.draw(
                        arena,
                        texts,
                        seeds.stream().mapToLong(Long::longValue).toArray(),
                        temperature);
        List<Sample> documents = new ArrayList<>();
        for (int i = 0; i < drawn.size(); i++) {
            documents.add(document(texts.get(i), drawn.get(i).tokens(), rows.get(i)));
        }
        List<Map<String, Object>> asked = rows.stream().map(items::get).toList();
        List<String> said = drawn.stream().map(this::text).toList();
        List<Grader.Judge> verdicts =
                judges.judge(grader, arena, new Judges.Drawn(documents, asked, said));
        List<Graded> graded = new ArrayList<>();
        for (int i = 0; i < drawn.size(); i++) {
            graded.add(
                    new Graded(
                            documents.get(i),
                            drawn.get(i).tokens().length,
                            grader.score(asked.get(i), said.get(i), verdicts.get(i)),
                            grader.scores(asked.get(i), said.get(i), verdicts.get(i)),
                            drawn.get(i).ended()));
        }
        return graded;
    }

    /// Prompt and answer as one document whose answer trains.
    static Sample document(int[] prompt, int[] answer, float value) {
        int[] ids = Arrays.copyOf(prompt, prompt.length + answer.length);
        System.arraycopy(answer, 0, ids, prompt.length, answer.length);
        float[] weights = new float[ids.length];
        Arrays.fill(weights, prompt.length, ids.length, 1);
        return new Sample(ids, weights, value);
    }

    private String text(Rollouts.Answer answer) {
        int[] tokens = answer.tokens();
        return tokenizer.decode(
                Arrays.copyOf(tokens, tokens.length - (answer.ended() ? 1 : 0)), true);
    }
}
