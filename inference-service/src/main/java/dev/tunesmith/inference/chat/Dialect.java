package dev.tunesmith.inference.chat;

import dev.tunesmith.engine.decode.Draw;
import dev.tunesmith.inference.chat.Answers.Piece;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// One request's id, model and time in the form of chat completions or of completions.
///
/// @param chat chat completions, else completions
/// @param withLogprobs each choice carries log-probabilities
record Dialect(
        boolean chat,
        String id,
        long created,
        String model,
        boolean withLogprobs,
        Logprobs logprobs) {
    private static final String FINGERPRINT = "fp_tunesmith";

    /// The chunk that opens a choice; completions have none.
    List<Wire.Chunk> opening(int choice) {
        return chat ? List.of(chunk(choice, new Wire.Delta("assistant", "", null))) : List.of();
    }

    /// A piece of text, with the end of the answer in a chunk of its own.
    ///
    /// @param offset characters of the answer before it
    /// @param calls calls of the answer before it
    List<Wire.Chunk> chunks(Piece piece, int offset, int calls) {
        var chunks = new ArrayList<Wire.Chunk>();
        if (!piece.text().isEmpty() || (withLogprobs && !piece.draws().isEmpty())) {
            Object logprobs = logprobs(piece.draws(), offset);
            chunks.add(
                    chunk(
                            chat
                                    ? new Wire.ChunkChoice(
                                            piece.choice(),
                                            new Wire.Delta(null, piece.text(), null),
                                            null,
                                            logprobs,
                                            null)
                                    : new Wire.ChunkChoice(
                                            piece.choice(), null, piece.text(), logprobs, null)));
        }
        for (int i = 0; i < piece.calls().size(); i++) {
            Wire.ToolCall call = Wire.ToolCall.of(calls + i, piece.calls().get(i));
            chunks.add(chunk(piece.choice(), new Wire.Delta(null, null, List.of(call))));
        }
        if (piece.finish() != null) {
            chunks.add(
                    chunk(
                            chat
                                    ? new Wire.ChunkChoice(
                                            piece.choice(),
                                            new Wire.Delta(null, null, null),
                                            null,
                                            null,
                                            piece.finish())
                                    : new Wire.ChunkChoice(
                                            piece.choice(), null, "", null, piece.finish())));
        }
        return chunks;
    }

    private Wire.Chunk chunk(int choice, Wire.Delta delta) {
        return chunk(new Wire.ChunkChoice(choice, delta, null, null, null));
    }

    /// The chunk that counts.
    Wire.CountedChunk usage(Wire.Usage usage) {
        return new Wire.Chunk(
                        id, kind() + (chat ? ".chunk" : ""), created, model, List.of(), FINGERPRINT)
                .counted(usage);
    }

    Wire.Completion whole(List<Collected> answers, Wire.Usage usage) {
        var choices = new ArrayList<Wire.Choice>();
        for (int i = 0; i < answers.size(); i++) {
            Collected answer = answers.get(i);
            Object logprobs = logprobs(answer.draws, 0);
            choices.add(
                    chat
                            ? new Wire.Choice(i, answer.message(), null, logprobs, answer.finish)
                            : new Wire.Choice(
                                    i, null, answer.text.toString(), logprobs, answer.finish));
        }
        return new Wire.Completion(
                id, kind(), created, model, choices, usage, "default", FINGERPRINT);
    }

    private Wire.Chunk chunk(Wire.ChunkChoice choice) {
        return new Wire.Chunk(
                id, kind() + (chat ? ".chunk" : ""), created, model, List.of(choice), FINGERPRINT);
    }

    private String kind() {
        return chat ? "chat.completion" : "text_completion";
    }

    private @Nullable Object logprobs(List<Draw> draws, int offset) {
        if (!withLogprobs) {
            return null;
        }
        return chat ? logprobs.chat(draws) : logprobs.text(draws, offset);
    }

    /// An answer as it grows.
    static final class Collected {
        private final StringBuilder text = new StringBuilder();
        private final List<Draw> draws = new ArrayList<>();
        private final List<Wire.ToolCall> calls = new ArrayList<>();
        private @Nullable String finish;

        void add(Piece piece) {
            text.append(piece.text());
            draws.addAll(piece.draws());
            piece.calls().forEach(call -> calls.add(Wire.ToolCall.of(null, call)));
            finish = piece.finish();
        }

        private Wire.Message message() {
            boolean onlyCalls = text.isEmpty() && !calls.isEmpty();
            return new Wire.Message(
                    "assistant",
                    onlyCalls ? null : text.toString(),
                    null,
                    calls.isEmpty() ? null : List.copyOf(calls));
        }
    }
}
