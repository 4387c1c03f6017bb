package dev.tunesmith.inference.chat;

import dev.tunesmith.contracts.problem.ProblemCode;
import dev.tunesmith.engine.data.UnusableRowException;
import dev.tunesmith.engine.decode.Batcher;
import dev.tunesmith.engine.decode.Draw;
import dev.tunesmith.engine.decode.Generation;
import dev.tunesmith.engine.decode.StopText;
import dev.tunesmith.engine.text.IncrementalText;
import dev.tunesmith.engine.text.SpecialText;
import dev.tunesmith.inference.web.Refusal;
import dev.tunesmith.inference.weights.Served;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.LinkedBlockingQueue;
import org.jspecify.annotations.Nullable;

/// All answers to one request, as pieces of text in the order in which they arise. Used by one
/// thread; closing it ends what still runs, from any thread.
final class Answers implements AutoCloseable {
    private final LinkedBlockingQueue<Event> events = new LinkedBlockingQueue<>();
    private final List<Choice> choices = new ArrayList<>();
    private final int promptTokens;
    private int open;
    private int completionTokens;

    private Answers(int promptTokens) {
        this.promptTokens = promptTokens;
    }

    /// Starts the answers.
    ///
    /// @throws Refusal when the prompt does not fit or too much waits already
    static Answers start(Served served, Ask ask, Batcher batcher) {
        int[] prompt = tokens(served, ask);
        int room = served.model().contextLength() - prompt.length;
        int longest = ask.tokensMax().orElse(Math.max(room, 1));
        if (longest > room || longest < 1) {
            throw tooLong(served.model().contextLength(), prompt.length, longest);
        }
        var answers = new Answers(prompt.length);
        for (int index = 0; index < ask.choices(); index++) {
            var choice =
                    new Choice(served.tokenizer().incremental(true), new StopText(ask.stops()));
            answers.choices.add(choice);
            var request =
                    new Generation.Request(
                            prompt,
                            ask.samplingOf(index),
                            longest,
                            served.stopTokens(),
                            answers.listener(index));
            choice.generation = batcher.submit(served.model(), request).orElse(null);
            if (choice.generation == null) {
                answers.close();
                throw Refusal.busy();
            }
            answers.open++;
        }
        return answers;
    }

    private static int[] tokens(Served served, Ask ask) {
        int[] tokens =
                switch (ask.prompt()) {
                    case Ask.Conversation(var messages) -> rendered(served, messages);
                    case Ask.Text(String text) ->
                            served.tokenizer().encodeWithAdded(text, SpecialText.LITERAL);
                    case Ask.Tokens(int[] ids) -> ids;
                };
        for (int id : tokens) {
            if (id < 0 || id >= served.model().vocabulary()) {
                throw Refusal.invalid(
                        "prompt",
                        ProblemCode.INVALID_VALUE.wire(),
                        "token %d is not in the vocabulary of %d"
                                .formatted(id, served.model().vocabulary()));
            }
        }
        if (tokens.length == 0) {
            throw Refusal.invalid(
                    "prompt", ProblemCode.INVALID_VALUE.wire(), "the prompt has no tokens");
        }
        return tokens;
    }

    private static int[] rendered(Served served, List<Map<String, Object>> messages) {
        try {
            return served.prompt().tokens(messages);
        } catch (UnusableRowException e) {
            throw Refusal.invalid(
                    "messages", ProblemCode.INVALID_VALUE.wire(), String.valueOf(e.getMessage()));
        }
    }

    private static Refusal tooLong(int context, int prompt, int longest) {
        return Refusal.invalid(
                "messages",
                ProblemCode.CONTEXT_LENGTH_EXCEEDED.wire(),
                "This model's context has %d tokens; the prompt has %d and the answer may have %d. Shorten one of them."
                        .formatted(context, prompt, longest));
    }

    private Generation.Listener listener(int index) {
        return new Generation.Listener() {
            @Override
            public void token(Draw draw) {
                events.add(new Event(index, draw, null));
            }

            @Override
            public void end(Generation.End end) {
                events.add(new Event(index, null, end));
            }
        };
    }

    /// Waits for the next piece.
    ///
    /// @return null when all answers have ended
    /// @throws Refusal when the model failed
    @Nullable Piece next() throws InterruptedException {
        while (open > 0) {
            Event event = events.take();
            Choice choice = choices.get(event.choice());
            if (!choice.over) {
                Piece piece =
                        event.draw() == null
                                ? ended(event, choice)
                                : drawn(event.choice(), event.draw(), choice);
                if (piece != null) {
                    return piece;
                }
            }
        }
        return null;
    }

    private @Nullable Piece drawn(int index, Draw draw, Choice choice) {
        completionTokens++;
        choice.pending.add(draw);
        String text = choice.stops.accept(choice.text.push(draw.token()));
        if (choice.stops.isStopped()) {
            choice.cancel();
            return last(index, choice, text, "stop");
        }
        return text.isEmpty() ? null : new Piece(index, text, choice.taken(), null);
    }

    private Piece ended(Event event, Choice choice) {
        Generation.End end = java.util.Objects.requireNonNull(event.end());
        if (end == Generation.End.FAILED) {
            throw Refusal.failed();
        }
        String text = choice.stops.accept(choice.text.flush()) + choice.stops.end();
        String reason =
                end == Generation.End.LENGTH && !choice.stops.isStopped() ? "length" : "stop";
        return last(event.choice(), choice, text, reason);
    }

    private Piece last(int index, Choice choice, String text, String reason) {
        choice.over = true;
        open--;
        return new Piece(index, text, choice.taken(), reason.toLowerCase(Locale.ROOT));
    }

    Wire.Usage usage() {
        return Wire.Usage.of(promptTokens, completionTokens);
    }

    @Override
    public void close() {
        choices.forEach(Choice::cancel);
    }

    /// A part of an answer.
    ///
    /// @param draws the tokens that this text was made from
    /// @param finish why the answer ended, null while it goes on
    record Piece(int choice, String text, List<Draw> draws, @Nullable String finish) {}

    private record Event(int choice, @Nullable Draw draw, Generation.@Nullable End end) {}

    private static final class Choice {
        private final IncrementalText text;
        private final StopText stops;
        private final List<Draw> pending = new ArrayList<>();
        private @Nullable Generation generation;
        private boolean over;

        private Choice(IncrementalText text, StopText stops) {
            this.text = text;
            this.stops = stops;
        }

        private List<Draw> taken() {
            List<Draw> draws = List.copyOf(pending);
            pending.clear();
            return draws;
        }

        private void cancel() {
            Generation running = generation;
            if (running != null) {
                running.cancel();
            }
        }
    }
}
