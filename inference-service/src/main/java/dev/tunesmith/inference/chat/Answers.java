package dev.tunesmith.inference.chat;

import dev.tunesmith.contracts.problem.ProblemCode;
import dev.tunesmith.engine.data.Sample;
import dev.tunesmith.engine.data.UnusableRowException;
import dev.tunesmith.engine.decode.Batcher;
import dev.tunesmith.engine.decode.Draw;
import dev.tunesmith.engine.decode.Generation;
import dev.tunesmith.engine.text.SpecialText;
import dev.tunesmith.inference.chat.CallReader.Call;
import dev.tunesmith.inference.web.Refusal;
import dev.tunesmith.inference.weights.Served;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/// All answers to one request, as pieces of text in the order in which they arise. Used by one
/// thread; closing it ends what still runs, from any thread.
///
/// Answers are numbered prompt by prompt: the second answer to the first prompt comes before the
/// first one to the second.
final class Answers implements AutoCloseable {
    private final LinkedBlockingQueue<Event> events = new LinkedBlockingQueue<>();
    private final List<GrowingAnswer> choices = new ArrayList<>();
    private int promptTokens;
    private int open;
    private int completionTokens;

    private Answers() {}

    /// Starts the answers.
    ///
    /// @throws Refusal when a prompt does not fit or too much waits already
    static Answers start(Served served, Ask ask, Batcher batcher) {
        List<Sample> prompts = ask.prompts().stream().map(p -> tokens(served, p)).toList();
        List<Integer> longest =
                prompts.stream().map(p -> longest(served, ask, p.ids().length)).toList();
        var answers = new Answers();
        for (int p = 0; p < prompts.size(); p++) {
            answers.promptTokens += prompts.get(p).ids().length;
            for (int i = 0; i < ask.choices(); i++) {
                answers.add(served, ask.withSeedOf(i), prompts.get(p), longest.get(p), batcher);
            }
        }
        return answers;
    }

    private void add(Served served, Ask ask, Sample seen, int longest, Batcher batcher) {
        int[] prompt = seen.ids();
        int index = choices.size();
        GrowingAnswer choice = GrowingAnswer.of(served, ask, prompt);
        choices.add(choice);
        boolean measured = ask.delivery().echo() && (ask.wantsLogprobs() || longest == 0);
        if (ask.delivery().echo() && (!measured || prompt.length == 1)) {
            events.add(new Event(index, null, false, null));
        }
        var request =
                new Generation.Request(
                        prompt,
                        ask.sampling(),
                        longest,
                        served.stopTokens(),
                        measured,
                        listener(index),
                        seen.pictures());
        Generation generation = batcher.submit(served.model(), request).orElse(null);
        if (generation == null) {
            close();
            throw Refusal.busy();
        }
        choice.startedAs(generation);
        open++;
    }

    private static int longest(Served served, Ask ask, int prompt) {
        int room = served.model().contextLength() - prompt;
        int longest = ask.tokensMax().orElse(Math.max(room, 1));
        if (longest > room) {
            throw tooLong(served.model().contextLength(), prompt, longest);
        }
        return longest;
    }

    private static Sample tokens(Served served, Ask.Prompt prompt) {
        Sample seen =
                switch (prompt) {
                    case Ask.Conversation conversation -> rendered(served, conversation);
                    case Ask.Text(String text, SpecialText special) ->
                            text(served.tokenizer().encodeWithAdded(text, special));
                    case Ask.Tokens(int[] ids) -> text(ids);
                };
        int[] tokens = seen.ids();
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
        return seen;
    }

    private static Sample text(int[] ids) {
        return new Sample(ids, new float[ids.length]);
    }

    private static Sample rendered(Served served, Ask.Conversation conversation) {
        if (!conversation.tools().isEmpty() && served.calls().isEmpty()) {
            throw Refusal.invalid(
                    "tools",
                    ProblemCode.UNSUPPORTED_PARAMETER.wire(),
                    "The chat template of this model has no place for functions, or shows calls in"
                            + " a form that is not known here; leave tools out");
        }
        try {
            return served.conversations()
                    .with(conversation.options())
                    .prompt(conversation.messages(), conversation.tools());
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
                events.add(new Event(index, draw, false, null));
            }

            @Override
            public void prompt(Draw given) {
                events.add(new Event(index, given, true, null));
            }

            @Override
            public void end(Generation.End end) {
                events.add(new Event(index, null, false, end));
            }
        };
    }

    /// Waits for the next piece.
    ///
    /// @return null when all answers have ended; a piece of no answer when it takes longer than
    ///   `patience`
    /// @throws Refusal when the model failed
    @Nullable Piece next(Duration patience) throws InterruptedException {
        while (open > 0) {
            Event event = events.poll(patience.toMillis(), TimeUnit.MILLISECONDS);
            if (event == null) {
                return Piece.NOTHING_YET;
            }
            GrowingAnswer choice = choices.get(event.choice());
            Piece piece = choice.isOver() ? null : piece(event, choice);
            if (piece != null) {
                return piece;
            }
        }
        return null;
    }

    private @Nullable Piece piece(Event event, GrowingAnswer choice) {
        int index = event.choice();
        Draw draw = event.draw();
        if (draw != null && event.given()) {
            return choice.given(index, draw);
        }
        if (draw != null) {
            completionTokens++;
            return counted(choice.drawn(index, draw));
        }
        Generation.End end = event.end();
        return end == null ? choice.echo(index) : counted(choice.ended(index, end));
    }

    private @Nullable Piece counted(@Nullable Piece piece) {
        if (piece != null && piece.finish() != null) {
            open--;
        }
        return piece;
    }

    int size() {
        return choices.size();
    }

    Wire.Usage usage() {
        return Wire.Usage.of(promptTokens, completionTokens);
    }

    @Override
    public void close() {
        choices.forEach(GrowingAnswer::cancel);
    }

    /// A part of an answer.
    ///
    /// @param draws the tokens that this text was made from
    /// @param calls functions that the answer calls
    /// @param finish why the answer ended, null while it goes on
    record Piece(
            int choice, String text, List<Draw> draws, List<Call> calls, @Nullable String finish) {
        /// Of no answer: it takes a while.
        static final Piece NOTHING_YET = new Piece(-1, "", List.of(), List.of(), null);
    }

    /// What the device thread says.
    ///
    /// @param draw a token, null for the end of the answer or the echo of its prompt
    /// @param given whether the token is one of the prompt
    private record Event(
            int choice, @Nullable Draw draw, boolean given, Generation.@Nullable End end) {}
}
