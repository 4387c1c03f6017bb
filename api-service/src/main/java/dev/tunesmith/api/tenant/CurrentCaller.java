package dev.tunesmith.api.tenant;

import dev.tunesmith.api.web.ApiException;
import dev.tunesmith.api.web.RateLimits;
import dev.tunesmith.contracts.problem.ProblemCode;
import io.quarkus.security.identity.SecurityIdentity;
import io.quarkus.vertx.http.runtime.CurrentVertxRequest;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import jakarta.inject.Singleton;
import org.jspecify.annotations.Nullable;

/// The caller of the request at hand.
@Singleton
public final class CurrentCaller {
    private static final String ORGANIZATION = "openai-organization";
    private static final String PROJECT = "openai-project";

    private final SecurityIdentity identity;
    private final CurrentVertxRequest request;
    private final RateLimits limits;

    CurrentCaller(SecurityIdentity identity, CurrentVertxRequest request, RateLimits limits) {
        this.identity = identity;
        this.request = request;
        this.limits = limits;
    }

    /// The caller, who has the given scope and requests left. The answer names its organization and
    /// project.
    ///
    /// @throws ApiException with 503 while keys cannot be checked
    public Caller with(Scope scope) {
        if (identity.getAttribute(KeyAuthentication.CALLER) instanceof Caller caller) {
            HttpServerRequest asked = request.getCurrent().request();
            HttpServerResponse answer = request.getCurrent().response();
            answer.putHeader(ORGANIZATION, caller.organization().wire())
                    .putHeader(PROJECT, caller.tenant().wire());
            limits.request(caller.tenant(), answer);
            requireOwn(asked.getHeader(ORGANIZATION), caller.organization().wire(), "organization");
            requireOwn(asked.getHeader(PROJECT), caller.tenant().wire(), "project");
            caller.require(scope);
            return caller;
        }
        throw ApiException.of(
                ProblemCode.UNAVAILABLE, "The database does not answer; try again in a moment");
    }

    /// Counts the tokens that the request at hand asks for.
    public void countTokens(Caller caller, long bytes, long answerMax) {
        limits.tokens(caller.tenant(), bytes, answerMax, request.getCurrent().response());
    }

    /// A key belongs to one project, so any other name is one that it cannot see.
    private static void requireOwn(@Nullable String named, String own, String noun) {
        if (named != null && !named.isBlank() && !named.equals(own)) {
            throw ApiException.of(
                    ProblemCode.NOT_FOUND,
                    "OpenAI-" + noun,
                    "No such %s: %s; this key belongs to %s".formatted(noun, named, own));
        }
    }
}
