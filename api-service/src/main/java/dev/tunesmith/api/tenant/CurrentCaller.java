package dev.tunesmith.api.tenant;

import io.quarkus.security.identity.SecurityIdentity;
import jakarta.inject.Singleton;

/// The caller of the request at hand.
@Singleton
public final class CurrentCaller {
    private final SecurityIdentity identity;

    CurrentCaller(SecurityIdentity identity) {
        this.identity = identity;
    }

    /// The caller, who has the given scope.
    public Caller with(Scope scope) {
        Caller caller = identity.getAttribute(KeyAuthentication.CALLER);
        caller.require(scope);
        return caller;
    }
}
