package dev.tunesmith.engine.objective;

import dev.tunesmith.engine.data.TokenBatch;
import dev.tunesmith.engine.model.Decoder;
import dev.tunesmith.engine.nn.Head;
import dev.tunesmith.engine.tape.CheckpointPolicy;
import dev.tunesmith.engine.tape.Tape;
import dev.tunesmith.engine.tensor.Region;
import dev.tunesmith.engine.tensor.StepArena;
import dev.tunesmith.engine.tensor.Tensor;

/// What a model thinks of the labelled tokens of a batch, and the way back for gradients.
///
/// Logits exist for one chunk of tokens at a time: first for the scores, then, once the loss has
/// turned those into slopes, again for the gradient (`kernels.md` §3.9).
public final class ScoredBatch {

    private final Decoder model;
    private final TokenBatch batch;
    private final Tensor hidden_ND;
    private final double temperature;
    private final Answers answers;
    private final Head.Scores scores;

    private ScoredBatch(
            Decoder model,
            TokenBatch batch,
            Tensor hidden_ND,
            double temperature,
            Answers answers,
            Head.Scores scores) {
        this.model = model;
        this.batch = batch;
        this.hidden_ND = hidden_ND;
        this.temperature = temperature;
        this.answers = answers;
        this.scores = scores;
    }

    /// Scores a batch on a tape that may record.
    public static ScoredBatch of(Policy policy, Tape tape, TokenBatch batch, double temperature) {
        Tensor hidden_ND = policy.forward(tape, batch);
        Head.Scores scores =
                policy.model().head().scores(tape, hidden_ND, targets(batch), temperature);
        return new ScoredBatch(
                policy.model(), batch, hidden_ND, temperature, Answers.of(batch), scores);
    }

    /// Scores a batch with a model that does not train, in memory that is free again afterwards.
    public static Head.Scores measure(
            Decoder model, StepArena arena, TokenBatch batch, double temperature) {
        try (Region region = arena.open("scores")) {
            Tape silent = Tape.silent(arena, region);
            Tensor hidden_ND = model.forward(silent, batch, CheckpointPolicy.keepAll());
            return model.head().scores(silent, hidden_ND, targets(batch), temperature);
        }
    }

    static Head.Targets targets(TokenBatch batch) {
        return new Head.Targets(batch.labels_N(), batch.weights_N(), TokenBatch.NOT_TRAINED);
    }

    public Answers answers() {
        return answers;
    }

    public Head.Scores scores() {
        return scores;
    }

    Tensor hidden_ND() {
        return hidden_ND;
    }

    /// Labels of every `stride`-th answer that have the largest logit.
    public long correct(int stride) {
        long correct = 0;
        for (int d = 0; d < answers.documents(); d += stride) {
            for (int m = answers.begin(d); m < answers.end(d); m++) {
                correct += (long) scores.correct_M()[m];
            }
        }
        return correct;
    }

    /// Tokens of every `stride`-th answer.
    public long answerTokens(int stride) {
        long tokens = 0;
        for (int d = 0; d < answers.documents(); d += stride) {
            tokens += answers.length(d);
        }
        return tokens;
    }

    /// Gives the slopes of the loss back; nothing happens on a silent tape.
    public void backward(Tape tape, double[] logProbSlopes_M, double[] entropySlopes_M) {
        if (tape.isRecording()) {
            var slopes = new Head.Slopes(narrow(logProbSlopes_M), narrow(entropySlopes_M));
            model.head().backward(tape, hidden_ND, targets(batch), slopes, temperature);
        }
    }

    private static float[] narrow(double[] values) {
        float[] narrow = new float[values.length];
        for (int i = 0; i < values.length; i++) {
            narrow[i] = (float) values[i];
        }
        return narrow;
    }
}
