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
/// @param prefix text before each answer, the prompt of an echoed completion
record Dialect(
        boolean chat,
        String id,
        long created,
        String model,
        boolean withLogprobs,
        Logprobs logprobs,
        String prefix) {
    private static final String FINGERPRINT = "fp_tunesmith";

    /// The chunk that opens a choice, empty in completions without echo.
    List<Wire.Chunk> opening(int choice) {
        if (chat) {
            return List.of(
                    chunk(
                            new Wire.ChunkChoice(
                                    choice, new Wire.Delta("assistant", ""), null, null, null)));
        }
        return prefix.isEmpty()
                ? List.of()
                : List.of(chunk(new Wire.ChunkChoice(choice, null, prefix, null, null)));
    }

    /// A piece of text, with the end of the answer in a chunk of its own.
    List<Wire.Chunk> chunks(Piece piece, int offset) {
        var chunks = new ArrayList<Wire.Chunk>();
        if (!piece.text().isEmpty() || (withLogprobs && !piece.draws().isEmpty())) {
            Object logprobs = logprobs(piece.draws(), offset);
            chunks.add(
                    chunk(
                            chat
                                    ? new Wire.ChunkChoice(
                                            piece.choice(),
                                            new Wire.Delta(null, piece.text()),
                                            null,
                                            logprobs,
                                            null)
                                    : new Wire.ChunkChoice(
                                            piece.choice(), null, piece.text(), logprobs, null)));
        }
        if (piece.finish() != null) {
            chunks.add(
                    chunk(
                            chat
                                    ? new Wire.ChunkChoice(
                                            piece.choice(),
                                            new Wire.Delta(null, null),
                                            null,
                                            null,
                                            piece.finish())
                                    : new Wire.ChunkChoice(
                                            piece.choice(), null, "", null, piece.finish())));
        }
        return chunks;
    }

    Wire.Chunk usage(Wire.Usage usage) {
        return new Wire.Chunk(
                id, kind() + (chat ? ".chunk" : ""), created, model, List.of(), usage, FINGERPRINT);
    }

    Wire.Completion whole(List<Collected> answers, Wire.Usage usage) {
        var choices = new ArrayList<Wire.Choice>();
        for (int i = 0; i < answers.size(); i++) {
            Collected answer = answers.get(i);
            Object logprobs = logprobs(answer.draws, prefix.length());
            String text = answer.text.toString();
            choices.add(
                    chat
                            ? new Wire.Choice(
                                    i,
                                    new Wire.Message("assistant", text, null),
                                    null,
                                    logprobs,
                                    answer.finish)
                            : new Wire.Choice(i, null, prefix + text, logprobs, answer.finish));
        }
        return new Wire.Completion(
                id, kind(), created, model, choices, usage, "default", FINGERPRINT);
    }

    private Wire.Chunk chunk(Wire.ChunkChoice choice) {
        return new Wire.Chunk(
                id,
                kind() + (chat ? ".chunk" : ""),
                created,
                model,
                List.of(choice),
                null,
                FINGERPRINT);
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
        private @Nullable String finish;

        void add(Piece piece) {
            text.append(piece.text());
            draws.addAll(piece.draws());
            finish = piece.finish();
        }
    }
}
