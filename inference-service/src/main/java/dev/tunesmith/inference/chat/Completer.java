package dev.tunesmith.inference.chat;

import dev.tunesmith.contracts.serving.ServingGrant;
import dev.tunesmith.engine.decode.Batcher;
import dev.tunesmith.inference.chat.Answers.Piece;
import dev.tunesmith.inference.web.Refusal;
import dev.tunesmith.inference.weights.Models;
import dev.tunesmith.platform.json.Json;
import io.quarkus.vertx.http.runtime.CurrentVertxRequest;
import jakarta.inject.Singleton;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.Response;
import jakarta.ws.rs.core.StreamingOutput;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;

/// Runs a checked request and writes its answer, at once or as a stream.
@Singleton
public final class Completer {
    /// How long a stream may be silent; clients skip the comment that is sent then.
    private static final Duration PING = Duration.ofSeconds(15);

    private final Models models;
    private final Batcher batcher;
    private final Clock clock;
    private final CurrentVertxRequest current;

    Completer(Models models, Batcher batcher, Clock clock, CurrentVertxRequest current) {
        this.models = models;
        this.batcher = batcher;
        this.clock = clock;
        this.current = current;
    }

    /// Answers a request. When the client goes away its generations leave the batch at the next
    /// step.
    Response answer(ServingGrant grant, Ask ask, boolean chat) throws InterruptedException {
        Models.Lease lease = models.lease(grant);
        Answers answers;
        try {
            answers = Answers.start(lease.served(), ask, batcher);
        } catch (RuntimeException e) {
            lease.close();
            throw e;
        }
        current.getCurrent().response().closeHandler(_ -> answers.close());
        var dialect =
                new Dialect(
                        chat,
                        (chat ? "chatcmpl-" : "cmpl-") + grant.requestId(),
                        clock.instant().getEpochSecond(),
                        grant.model(),
                        ask.wantsLogprobs(),
                        new Logprobs(lease.served().tokenizer()));
        if (ask.delivery().stream()) {
            StreamingOutput body = out -> stream(ask, dialect, answers, lease, out);
            return Response.ok(body, "text/event-stream")
                    .header("cache-control", "no-cache")
                    .header("x-accel-buffering", "no")
                    .build();
        }
        try (lease;
                answers) {
            return Response.ok(
                            Json.text(collect(dialect, answers)), MediaType.APPLICATION_JSON_TYPE)
                    .build();
        }
    }

    private static Wire.Completion collect(Dialect dialect, Answers answers)
            throws InterruptedException {
        List<Dialect.Collected> collected =
                Stream.generate(Dialect.Collected::new).limit(answers.size()).toList();
        for (Piece piece = answers.next(PING); piece != null; piece = answers.next(PING)) {
            if (piece.choice() >= 0) {
                collected.get(piece.choice()).add(piece);
            }
        }
        return dialect.whole(collected, answers.usage());
    }

    /// A failure after the first chunk is an event; no `[DONE]` follows it, so that every SDK
    /// raises it.
    private static void stream(
            Ask ask, Dialect dialect, Answers answers, Models.Lease lease, OutputStream out)
            throws IOException {
        try (lease;
                answers) {
            boolean counted = ask.delivery().includeUsage();
            var offsets = new int[answers.size()];
            var calls = new int[answers.size()];
            for (int choice = 0; choice < answers.size(); choice++) {
                write(out, dialect.opening(choice), counted);
            }
            for (Piece piece = answers.next(PING); piece != null; piece = answers.next(PING)) {
                int choice = piece.choice();
                if (choice < 0) {
                    out.write(": ping\n\n".getBytes(StandardCharsets.UTF_8));
                    out.flush();
                } else {
                    write(out, dialect.chunks(piece, offsets[choice], calls[choice]), counted);
                    offsets[choice] += piece.text().length();
                    calls[choice] += piece.calls().size();
                }
            }
            if (counted) {
                event(out, Json.text(dialect.usage(answers.usage())));
            }
            event(out, "[DONE]");
        } catch (Refusal refusal) {
            event(out, Json.text(refusal.body()));
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("the service stops");
        }
        out.flush();
    }

    private static void write(OutputStream out, List<Wire.Chunk> chunks, boolean counted)
            throws IOException {
        for (Wire.Chunk chunk : chunks) {
            event(out, Json.text(counted ? chunk.counted(null) : chunk));
        }
        out.flush();
    }

    private static void event(OutputStream out, String data) throws IOException {
        out.write(("data: " + data + "\n\n").getBytes(StandardCharsets.UTF_8));
    }
}
