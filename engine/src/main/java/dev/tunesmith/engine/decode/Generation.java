package dev.tunesmith.engine.decode;

import dev.tunesmith.engine.data.Pictures;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// One request in the [Batcher], from its prompt to its last token.
public final class Generation {
    private final Request request;
    private final Sampler sampler;
    private int produced;
    private int consumed;
    private int last = -1;
    private CausalModel.@Nullable Sequence sequence;
    private volatile boolean cancelled;

    Generation(Request request) {
        this.request = request;
        this.sampler = new Sampler(request.options(), request.prompt());
    }

    /// The request is not wanted any more; it leaves the batch at the next step. Safe from any
    /// thread.
    public void cancel() {
        cancelled = true;
    }

    boolean isCancelled() {
        return cancelled;
    }

    /// Tokens of prompt and longest answer together.
    int capacity() {
        return request.prompt().length + request.tokensMax();
    }

    void openOn(CausalModel model) {
        sequence = model.open(capacity());
    }

    /// True while a part of the prompt is still to be read.
    boolean isPrefilling() {
        return consumed < request.prompt().length;
    }

    /// The next tokens for the model: a part of the prompt, or the token drawn last.
    CausalModel.Chunk next(int budget) {
        CausalModel.Sequence open = java.util.Objects.requireNonNull(sequence);
        int[] prompt = request.prompt();
        if (!isPrefilling()) {
            return new CausalModel.Chunk(open, new int[] {last}, CausalModel.Wanted.LAST);
        }
        // A prompt with pictures is read at once: their rows must not be torn apart.
        Pictures pictures = request.pictures();
        int end = pictures.isEmpty() ? Math.min(prompt.length, consumed + budget) : prompt.length;
        int[] part = java.util.Arrays.copyOfRange(prompt, consumed, end);
        consumed = end;
        CausalModel.Wanted wanted =
                request.promptLogprobs()
                        ? CausalModel.Wanted.ALL
                        : end == prompt.length ? CausalModel.Wanted.LAST : CausalModel.Wanted.NONE;
        return new CausalModel.Chunk(open, part, wanted, pictures);
    }

    /// Tells the listener how likely the tokens of the prompt were, and draws the next one when the
    /// prompt is read.
    ///
    /// @param rows logits after the latest tokens, the last row after the very last one
    /// @return true when the request has ended
    boolean accept(List<Logits> rows) {
        int[] prompt = request.prompt();
        if (produced == 0 && request.promptLogprobs()) {
            int first = consumed - rows.size() + 1;
            for (int i = 0; i < rows.size() && first + i < prompt.length; i++) {
                float[] logits = rows.get(i).values();
                request.listener().prompt(sampler.measure(logits, prompt[first + i]));
            }
        }
        if (isPrefilling()) {
            return false;
        }
        if (request.tokensMax() == 0) {
            end(End.LENGTH);
            return true;
        }
        return draw(rows.getLast());
    }

    private boolean draw(Logits logits) {
        Draw draw = sampler.draw(logits, request.prompt().length + produced);
        last = draw.token();
        produced++;
        if (request.stopTokens().contains(last)) {
            end(End.STOP);
            return true;
        }
        request.listener().token(draw);
        if (produced == request.tokensMax()) {
            end(End.LENGTH);
            return true;
        }
        return false;
    }

    void end(End end) {
        close();
        request.listener().end(end);
    }

    void close() {
        CausalModel.Sequence open = sequence;
        if (open != null) {
            sequence = null;
            open.close();
        }
    }

    /// Why a generation ended.
    public enum End {
        /// The model drew a token that ends the answer.
        STOP,
        /// The answer reached its limit.
        LENGTH,
        /// The caller went away.
        CANCELLED,
        /// The model failed; the batcher's log says how.
        FAILED
    }

    /// What is asked for.
    ///
    /// @param prompt at least one token
    /// @param tokensMax longest answer; 0 only to measure the prompt
    /// @param stopTokens tokens that end the answer and are not part of it
    /// @param promptLogprobs whether the listener hears how likely the prompt's own tokens were
    /// @param pictures what stands at the placeholders in the prompt
    public record Request(
            int[] prompt,
            SamplingOptions options,
            int tokensMax,
            Set<Integer> stopTokens,
            boolean promptLogprobs,
            Listener listener,
            Pictures pictures) {
        /// Without pictures.
        public Request(
                int[] prompt,
                SamplingOptions options,
                int tokensMax,
                Set<Integer> stopTokens,
                boolean promptLogprobs,
                Listener listener) {
            this(prompt, options, tokensMax, stopTokens, promptLogprobs, listener, Pictures.NONE);
        }

        public Request {
            if (prompt.length == 0 || tokensMax < (promptLogprobs ? 0 : 1)) {
                throw new IllegalArgumentException(
                        "a generation needs a prompt and room for an answer, found %d prompt tokens and room for %d"
                                .formatted(prompt.length, tokensMax));
            }
            stopTokens = Set.copyOf(stopTokens);
        }
    }

    /// Hears of tokens on the device thread: hand them on and return at once.
    public interface Listener {
        void token(Draw draw);

        /// The prompt's tokens in order, from its second one on: nothing comes before the first.
        default void prompt(Draw given) {}

        void end(End end);
    }
}
