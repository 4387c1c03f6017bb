package dev.tunesmith.api.tenant;

import io.quarkus.security.identity.SecurityIdentity;
import io.quarkus.vertx.http.runtime.CurrentVertxRequest;
import jakarta.inject.Singleton;

/// The caller of the request at hand.
@Singleton
public final class CurrentCaller {
    private final SecurityIdentity identity;
    private final CurrentVertxRequest request;

    CurrentCaller(SecurityIdentity identity, CurrentVertxRequest request) {
        this.identity = identity;
        this.request = request;
    }

    /// The caller, who has the given scope. The answer names its organization and project.
    public Caller with(Scope scope) {
        Caller caller = identity.getAttribute(KeyAuthentication.CALLER);
        request.getCurrent()
                .response()
                .putHeader("openai-organization", caller.organization().wire())
                .putHeader("openai-project", caller.tenant().wire());
        caller.require(scope);
        return caller;
    }
}
