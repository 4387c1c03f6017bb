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
import java.util.List;
import java.util.stream.Stream;

/// Runs a checked request and writes its answer, at once or as a stream.
@Singleton
public final class Completer {
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
                        ask.sampling().topLogprobs() >= 0,
                        new Logprobs(lease.served().tokenizer()),
                        prefix(ask));
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
                            Json.text(collect(ask, dialect, answers)),
                            MediaType.APPLICATION_JSON_TYPE)
                    .build();
        }
    }

    private static String prefix(Ask ask) {
        return ask.delivery().echo() && ask.prompt() instanceof Ask.Text(String text) ? text : "";
    }

    private static Wire.Completion collect(Ask ask, Dialect dialect, Answers answers)
            throws InterruptedException {
        List<Dialect.Collected> collected =
                Stream.generate(Dialect.Collected::new).limit(ask.choices()).toList();
        for (Piece piece = answers.next(); piece != null; piece = answers.next()) {
            collected.get(piece.choice()).add(piece);
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
            var offsets = new int[ask.choices()];
            for (int choice = 0; choice < ask.choices(); choice++) {
                write(out, dialect.opening(choice));
            }
            for (Piece piece = answers.next(); piece != null; piece = answers.next()) {
                write(out, dialect.chunks(piece, offsets[piece.choice()]));
                offsets[piece.choice()] += piece.text().length();
            }
            if (ask.delivery().includeUsage()) {
                write(out, List.of(dialect.usage(answers.usage())));
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

    private static void write(OutputStream out, List<Wire.Chunk> chunks) throws IOException {
        for (Wire.Chunk chunk : chunks) {
            event(out, Json.text(chunk));
        }
        out.flush();
    }

    private static void event(OutputStream out, String data) throws IOException {
        out.write(("data: " + data + "\n\n").getBytes(StandardCharsets.UTF_8));
    }
}
