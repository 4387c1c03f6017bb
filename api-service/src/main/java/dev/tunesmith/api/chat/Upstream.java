package dev.tunesmith.api.chat;

import dev.tunesmith.api.web.ApiException;
import dev.tunesmith.contracts.problem.ProblemCode;
import dev.tunesmith.contracts.serving.ServingGrant;
import jakarta.annotation.PreDestroy;
import jakarta.inject.Singleton;
import java.io.IOException;
import java.io.InputStream;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.net.http.HttpTimeoutException;
import java.time.Duration;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.jboss.logging.Logger;

/// Calls inference-service.
@Singleton
public final class Upstream {
    private static final Logger LOG = Logger.getLogger(Upstream.class);
    private static final Duration PAUSE = Duration.ofMillis(200);

    private final InferenceSettings settings;
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private final HttpClient client;

    Upstream(InferenceSettings settings) {
        this.settings = settings;
        this.client =
                HttpClient.newBuilder()
                        .version(HttpClient.Version.HTTP_1_1)
                        .connectTimeout(settings.connectTimeout())
                        .executor(threads)
                        .build();
    }

    @PreDestroy
    void close() {
        client.shutdownNow();
        threads.shutdownNow();
    }

    /// One call, made on behalf of a tenant.
    ///
    /// @param path path at inference-service
    /// @param body the client's body, unchanged
    /// @param grant signed proof of tenant, model and request
    record Call(String path, String body, String grant, String requestId) {}

    /// Sends a call and returns when the answer begins. Nothing has reached the client by then, so
    /// a connection that fails is tried again until the patience is over.
    ///
    /// @throws InterruptedException when the client has gone; the call is cancelled
    HttpResponse<InputStream> send(Call call) throws InterruptedException {
        HttpRequest request =
                HttpRequest.newBuilder(settings.url().resolve(call.path()))
                        .timeout(settings.firstByteMax())
                        .header("content-type", "application/json")
                        .header("x-request-id", call.requestId())
                        .header(ServingGrant.HEADER, call.grant())
                        .POST(BodyPublishers.ofString(call.body()))
                        .build();
        long deadline = System.nanoTime() + settings.patience().toNanos();
        while (true) {
            try {
                return client.send(request, BodyHandlers.ofInputStream());
            } catch (HttpTimeoutException e) {
                if (!(e instanceof java.net.http.HttpConnectTimeoutException)) {
                    throw ApiException.of(
                            ProblemCode.UNAVAILABLE,
                            "The model did not begin to answer within %d s"
                                    .formatted(settings.firstByteMax().toSeconds()));
                }
                giveUpAfter(deadline, call, e);
            } catch (IOException e) {
                giveUpAfter(deadline, call, e);
            }
            Thread.sleep(PAUSE);
        }
    }

    private static void giveUpAfter(long deadline, Call call, IOException cause) {
        if (System.nanoTime() > deadline) {
            LOG.errorf(cause, "inference-service does not answer, request %s", call.requestId());
            throw ApiException.of(
                    ProblemCode.UNAVAILABLE,
                    "The inference service does not answer; try again in a moment");
        }
    }
}
