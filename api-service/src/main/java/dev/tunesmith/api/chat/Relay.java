package dev.tunesmith.api.chat;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.tunesmith.api.web.ClientConnection;
import dev.tunesmith.platform.json.Json;
import dev.tunesmith.platform.web.OpenAiError;
import jakarta.ws.rs.core.StreamingOutput;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.Arrays;
import org.jboss.logging.Logger;

/// Hands an event stream through as it comes, one write for each read, so that the client's pace
/// holds the upstream back.
///
/// When the upstream breaks off, the client gets an error event and no `[DONE]`, which every SDK
/// raises as an error. When the client leaves, the upstream call is closed.
final class Relay implements StreamingOutput {
    private static final Logger LOG = Logger.getLogger(Relay.class);
    private static final int BUFFER = 16 * 1024;
    private static final int OVER = -1;
    private static final int BROKEN = -2;

    private final InputStream upstream;
    private final ClientConnection.Watch client;

    Relay(InputStream upstream, ClientConnection.Watch client) {
        this.upstream = upstream;
        this.client = client;
    }

    @Override
    public void write(OutputStream out) throws IOException {
        client.whenOver(this::closeUpstream);
        byte[] buffer = new byte[BUFFER];
        try (upstream) {
            for (int read = next(buffer); read != OVER; read = next(buffer)) {
                if (client.gone()) {
                    throw new IOException("the client has gone");
                }
                out.write(read == BROKEN ? brokenOff() : Arrays.copyOf(buffer, read));
                out.flush();
                if (read == BROKEN) {
                    return;
                }
            }
        }
    }

    /// The number of bytes read, or [#OVER] at the proper end, or [#BROKEN].
    private int next(byte[] buffer) {
        try {
            return upstream.read(buffer);
        } catch (IOException e) {
            if (!client.gone()) {
                LOG.warnf(
                        "inference-service broke off a stream, request %s: %s",
                        client.requestId(), e);
            }
            return BROKEN;
        }
    }

    private void closeUpstream() {
        try {
            upstream.close();
        } catch (IOException e) {
            LOG.debugf(e, "closing the upstream of request %s", client.requestId());
        }
    }

    private byte[] brokenOff() {
        OpenAiError error =
                OpenAiError.of(
                        "The answer broke off; quote " + client.requestId(),
                        "server_error",
                        null,
                        "internal_error");
        return ("\n\ndata: " + Json.text(error) + "\n\n").getBytes(UTF_8);
    }
}
