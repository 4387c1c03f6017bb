package dev.tunesmith.api.repeat;

import dev.tunesmith.api.tenant.Caller;
import dev.tunesmith.api.web.ApiException;
import dev.tunesmith.contracts.problem.ProblemCode;
import dev.tunesmith.platform.sql.Database;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.Response;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Function;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.JdbiException;

/// The answers that idempotency keys have got, within the transaction that makes what they answer:
/// what did not commit has left no answer either.
public final class FirstAnswers {
    /// Where clients put their key.
    public static final String HEADER = "Idempotency-Key";

    private final Handle handle;
    private final Caller caller;

    private FirstAnswers(Handle handle, Caller caller) {
        this.handle = handle;
        this.caller = caller;
    }

    /// An answer: an object as JSON.
    ///
    /// @param replayed whether it was given to an earlier request with the same key
    public record Answer(String body, boolean replayed) {
        /// The answer on the wire.
        public Response response() {
            Response.ResponseBuilder response = Response.ok(body, MediaType.APPLICATION_JSON_TYPE);
            if (replayed) {
                response.header("idempotent-replayed", "true");
            }
            return response.build();
        }
    }

    private record Earlier(String request, String response) {}

    /// Works in one transaction of the caller's tenant.
    ///
    /// @throws ApiException with `IDEMPOTENCY_IN_FLIGHT` when another request holds the same key
    ///   for longer than a statement waits
    public static <T> T within(Database database, Caller caller, Function<FirstAnswers, T> work) {
        try {
            return database.inTenant(
                    caller.tenant(),
                    caller.actor(),
                    handle -> work.apply(new FirstAnswers(handle, caller)));
        } catch (JdbiException e) {
            if (Database.isLockTimeout(e)) {
                throw inFlight();
            }
            throw e;
        }
    }

    /// The transaction.
    public Handle handle() {
        return handle;
    }

    /// Whose it is.
    public Caller caller() {
        return caller;
    }

    /// What the first request with this key was answered; empty if this is the first, or has no
    /// key.
    ///
    /// @throws ApiException with `IDEMPOTENCY_MISMATCH` if the first one had another body
    public Optional<Answer> replay(CreateRequest request) {
        return request.key().flatMap(key -> replay(request, key));
    }

    /// Makes an object under the client's key, or under a name of its own when there is no key.
    ///
    /// @param id the object's id in the database
    /// @param name its id on the wire
    /// @param response what the client gets
    /// @param make writes the object
    /// @return the answer to the first request with this key, which may be another one that was
    ///   faster; then nothing is made
    public Answer make(
            CreateRequest request, UUID id, String name, String response, Runnable make) {
        String key = request.key().orElse(name);
        if (keep(request, key, id, response)) {
            make.run();
            return new Answer(response, false);
        }
        return replay(request, key).orElseThrow(FirstAnswers::inFlight);
    }

    private Optional<Answer> replay(CreateRequest request, String key) {
        return handle.createQuery(
                        """
                        SELECT encode(request_sha256, 'hex') AS request, response::text AS response
                        FROM idempotency
                        WHERE tenant_id = :tenant AND idem_key = :key
                        """)
                .bind("tenant", caller.tenant().value())
                .bind("key", key)
                .map((row, _) -> new Earlier(row.getString("request"), row.getString("response")))
                .findOne()
                .map(earlier -> {
                    if (!earlier.request().equals(request.hash())) {
                        throw ApiException.of(
                                ProblemCode.IDEMPOTENCY_MISMATCH,
                                HEADER,
                                "This idempotency key was used with another request body");
                    }
                    return new Answer(earlier.response(), true);
                });
    }

    /// Waits for a transaction that has written the same key and not ended.
    private boolean keep(CreateRequest request, String key, UUID id, String response) {
        return handle.createUpdate(
                                """
                                INSERT INTO idempotency (tenant_id, idem_key, request_sha256, resource_id, status,
                                  response)
                                VALUES (:tenant, :key, :request, :id, 200, CAST(:response AS jsonb))
                                ON CONFLICT DO NOTHING
                                """)
                        .bind("tenant", caller.tenant().value())
                        .bind("key", key)
                        .bind("request", request.hashBytes())
                        .bind("id", id)
                        .bind("response", response)
                        .execute()
                == 1;
    }

    private static ApiException inFlight() {
        return ApiException.of(
                ProblemCode.IDEMPOTENCY_IN_FLIGHT,
                HEADER,
                "The first request with this idempotency key still runs");
    }
}
