package dev.tunesmith.bench.clients;

import dev.tunesmith.bench.crash.PackagedStack;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.UUID;

/// An idempotency key whose first request still runs: what another replica of the API holds while
/// it decides.
final class HeldKey implements AutoCloseable {
    private final String name = "held-" + UUID.randomUUID();
    private final Connection connection;

    private HeldKey(Connection connection) {
        this.connection = connection;
    }

    /// Holds a key of the demo tenant until it is closed.
    static HeldKey of(PackagedStack stack) throws SQLException, IOException, InterruptedException {
        var held = new HeldKey(stack.connectAsApi());
        held.keepOpen();
        held.connection.setAutoCommit(false);
        held.take(tenant(stack));
        return held;
    }

    String name() {
        return name;
    }

    /// The server ends a session of the API that waits within a transaction.
    private void keepOpen() throws SQLException {
        try (Statement setting = connection.createStatement()) {
            setting.execute("SET idle_in_transaction_session_timeout = 0");
        }
    }

    private void take(UUID tenant) throws SQLException {
        String setTenant = "SELECT set_config('app.tenant', ?, true)";
        try (PreparedStatement who = connection.prepareStatement(setTenant)) {
            who.setString(1, tenant.toString());
            who.execute();
        }
        String insert =
                """
                INSERT INTO idempotency (tenant_id, idem_key, request_sha256, resource_id, status, response)
                VALUES (?, ?, '', gen_random_uuid(), 200, '{}')
                """;
        try (PreparedStatement first = connection.prepareStatement(insert)) {
            first.setObject(1, tenant);
            first.setString(2, name);
            first.execute();
        }
    }

    private static UUID tenant(PackagedStack stack) throws IOException, InterruptedException {
        try (HttpClient client = HttpClient.newHttpClient()) {
            HttpRequest request =
                    HttpRequest.newBuilder(URI.create(stack.url() + "/v1/models"))
                            .header("authorization", "Bearer " + stack.key("demo"))
                            .build();
            HttpResponse<Void> answer = client.send(request, BodyHandlers.discarding());
            return PackagedStack.id(answer.headers().firstValue("openai-project").orElseThrow());
        }
    }

    @Override
    public void close() throws SQLException {
        connection.rollback();
        connection.close();
    }
}
