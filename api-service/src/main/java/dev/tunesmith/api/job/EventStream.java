package dev.tunesmith.api.job;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.tunesmith.api.tenant.Caller;
import dev.tunesmith.api.web.ClientConnection;
import dev.tunesmith.api.web.Slots;
import dev.tunesmith.contracts.id.JobId;
import dev.tunesmith.platform.json.Json;
import jakarta.ws.rs.core.StreamingOutput;
import java.io.IOException;
import java.io.OutputStream;
import java.time.Duration;

/// Follows a job live: server-sent events with the event's number as id, a comment when it is quiet
/// for long, and `[DONE]` behind the last event of a job that has ended.
///
/// Each stream asks the database a few times a second. Numbers commit in order, so nothing is
/// skipped and nothing comes twice.
record EventStream(
        Events events,
        Caller caller,
        JobId job,
        int after,
        Duration ping,
        ClientConnection.Watch client,
        Slots.Slot slot)
        implements StreamingOutput {
    private static final Duration POLL = Duration.ofMillis(300);
    private static final int BATCH = 200;

    @Override
    public void write(OutputStream out) throws IOException {
        try (slot) {
            follow(out);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("the server stops", e);
        }
    }

    private void follow(OutputStream out) throws IOException, InterruptedException {
        int seen = after;
        long quietSince = System.nanoTime();
        send(out, ": stream of %s\n\n".formatted(job));
        while (!client.gone()) {
            Events.News news = events.since(caller, job, seen, BATCH);
            for (var event : news.events()) {
                seen = event.seq();
                String json = Json.text(EventView.of(job, event));
                send(out, "id: %d\ndata: %s\n\n".formatted(seen, json));
                quietSince = System.nanoTime();
            }
            if (news.over()) {
                send(out, "data: [DONE]\n\n");
                return;
            }
            if (System.nanoTime() - quietSince > ping.toNanos()) {
                send(out, ": ping\n\n");
                quietSince = System.nanoTime();
            }
            if (news.events().size() < BATCH) {
                Thread.sleep(POLL);
            }
        }
    }

    private static void send(OutputStream out, String text) throws IOException {
        out.write(text.getBytes(UTF_8));
        out.flush();
    }
}
