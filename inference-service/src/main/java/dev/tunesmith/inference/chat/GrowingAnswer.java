package dev.tunesmith.inference.chat;

import dev.tunesmith.engine.decode.Draw;
import dev.tunesmith.engine.decode.Generation;
import dev.tunesmith.engine.decode.StopText;
import dev.tunesmith.engine.text.IncrementalText;
import dev.tunesmith.engine.text.Tokenizer;
import dev.tunesmith.inference.chat.Answers.Piece;
import dev.tunesmith.inference.web.Refusal;
import dev.tunesmith.inference.weights.Served;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/// One answer while it grows: from tokens to text, up to a stop string, without function calls.
final class GrowingAnswer {
    private final IncrementalText text;
    private final StopText stops;
    private final Optional<CallReader> calls;
    private final String prompt;
    private final int[] promptTokens;
    private final List<Draw> pending = new ArrayList<>();
    private final List<Draw> given = new ArrayList<>();
    private @Nullable Generation generation;
    private boolean over;

    private GrowingAnswer(
            IncrementalText text,
            StopText stops,
            Optional<CallReader> calls,
            String prompt,
            int[] promptTokens) {
        this.text = text;
        this.stops = stops;
        this.calls = calls;
        this.prompt = prompt;
        this.promptTokens = promptTokens;
        this.given.add(new Draw(promptTokens[0], Double.NaN, List.of()));
    }

    static GrowingAnswer of(Served served, Ask ask, int[] prompt) {
        Tokenizer tokenizer = served.tokenizer();
        return new GrowingAnswer(
                tokenizer.incremental(true),
                new StopText(ask.stops()),
                ask.hasTools()
                        ? served.calls()
                                .map(format ->
                                        new CallReader(
                                                GrowingAnswer::callId, format, ask.functions()))
                        : Optional.empty(),
                ask.delivery().echo() ? tokenizer.decode(prompt, false) : "",
                prompt);
    }

    private static String callId() {
        return "call_" + UUID.randomUUID().toString().replace("-", "");
    }

    void startedAs(Generation started) {
        generation = started;
    }

    boolean isOver() {
        return over;
    }

    /// How likely the next token of the prompt was. Once all are known the prompt is a piece.
    @Nullable Piece given(int index, Draw draw) {
        given.add(draw);
        return given.size() == promptTokens.length ? echo(index) : null;
    }

    /// The prompt as the first piece of the answer.
    Piece echo(int index) {
        List<Draw> draws = given.size() == promptTokens.length ? List.copyOf(given) : List.of();
        return new Piece(index, prompt, draws, List.of(), null);
    }

    /// The model drew a token.
    @Nullable Piece drawn(int index, Draw draw) {
        pending.add(draw);
        String more = stops.accept(text.push(draw.token()));
        if (stops.isStopped()) {
            cancel();
            return last(index, more, "stop");
        }
        CallReader.Read read = read(more, false);
        return read.text().isEmpty() && read.calls().isEmpty()
                ? null
                : new Piece(index, read.text(), taken(), read.calls(), null);
    }

    /// The model ended the answer.
    ///
    /// @throws Refusal when it failed
    Piece ended(int index, Generation.End end) {
        if (end == Generation.End.FAILED) {
            throw Refusal.failed();
        }
        String rest = stops.accept(text.flush()) + stops.end();
        boolean cut = end == Generation.End.LENGTH && !stops.isStopped();
        return last(index, rest, cut ? "length" : "stop");
    }

    private Piece last(int index, String more, String reason) {
        over = true;
        CallReader.Read read = read(more, true);
        boolean called = calls.filter(CallReader::hasCalled).isPresent();
        return new Piece(
                index,
                read.text(),
                taken(),
                read.calls(),
                called && reason.equals("stop") ? "tool_calls" : reason);
    }

    private CallReader.Read read(String more, boolean last) {
        return calls.map(reader -> reader.accept(more, last))
                .orElseGet(() -> new CallReader.Read(more, List.of()));
    }

    private List<Draw> taken() {
        List<Draw> draws = List.copyOf(pending);
        pending.clear();
        return draws;
    }

    void cancel() {
        Generation running = generation;
        if (running != null) {
            running.cancel();
        }
    }
}
