package dev.tunesmith.api.tenant;

import dev.tunesmith.api.web.ApiException;
import dev.tunesmith.api.web.ErrorWriter;
import dev.tunesmith.contracts.id.ApiKey;
import dev.tunesmith.contracts.problem.ProblemCode;
import dev.tunesmith.platform.sql.Database;
import io.quarkus.security.AuthenticationFailedException;
import io.quarkus.security.identity.AuthenticationRequestContext;
import io.quarkus.security.identity.IdentityProvider;
import io.quarkus.security.identity.IdentityProviderManager;
import io.quarkus.security.identity.SecurityIdentity;
import io.quarkus.security.identity.request.AuthenticationRequest;
import io.quarkus.security.runtime.QuarkusPrincipal;
import io.quarkus.security.runtime.QuarkusSecurityIdentity;
import io.quarkus.vertx.http.runtime.security.ChallengeData;
import io.quarkus.vertx.http.runtime.security.HttpAuthenticationMechanism;
import io.smallrye.mutiny.Uni;
import io.vertx.ext.web.RoutingContext;
import jakarta.inject.Singleton;
import java.util.Optional;
import java.util.Set;
import org.jboss.logging.Logger;
import org.jdbi.v3.core.JdbiException;
import org.jspecify.annotations.Nullable;

/// The wall in front of every path of the main port: `Authorization: Bearer <key>`, or 401.
///
/// The reactive types are the framework's and stay in this class. A key that was seen a moment ago
/// is checked on the event loop, any other on a worker thread.
@Singleton
public final class KeyAuthentication
        implements HttpAuthenticationMechanism, IdentityProvider<KeyRequest> {
    private static final Logger LOG = Logger.getLogger(KeyAuthentication.class);

    static final String CALLER = "caller";

    private static final String SCHEME = "Bearer ";
    private static final int HEADER_MAX = 512;

    private final Keys keys;
    private final ErrorWriter errors;

    KeyAuthentication(Keys keys, ErrorWriter errors) {
        this.keys = keys;
        this.errors = errors;
    }

    @Override
    @SuppressWarnings("NullAway") // A null item is how the framework spells "nobody".
    public Uni<SecurityIdentity> authenticate(
            RoutingContext context, IdentityProviderManager identities) {
        Optional<ApiKey> key = presented(context.request().getHeader("authorization"));
        if (key.isEmpty()) {
            return Uni.createFrom().nullItem();
        }
        Optional<Keys.Verdict> remembered = keys.remembered(key.get());
        if (remembered.isPresent()) {
            return Uni.createFrom().item(identity(remembered.get()));
        }
        return identities.authenticate(new KeyRequest(key.get()));
    }

    @Override
    public Uni<SecurityIdentity> authenticate(
            KeyRequest request, AuthenticationRequestContext context) {
        return context.runBlocking(() -> check(request.key()));
    }

    @Override
    public Uni<Boolean> sendChallenge(RoutingContext context) {
        context.response().putHeader("www-authenticate", "Bearer");
        errors.write(
                context,
                ApiException.of(
                        ProblemCode.INVALID_API_KEY,
                        "Incorrect API key provided: send 'Authorization: Bearer' and a valid key"));
        return Uni.createFrom().item(true);
    }

    @Override
    public Uni<ChallengeData> getChallenge(RoutingContext context) {
        return Uni.createFrom().item(new ChallengeData(401, "www-authenticate", "Bearer"));
    }

    @Override
    public Class<KeyRequest> getRequestType() {
        return KeyRequest.class;
    }

    @Override
    public Set<Class<? extends AuthenticationRequest>> getCredentialTypes() {
        return Set.of(KeyRequest.class);
    }

    private static Optional<ApiKey> presented(@Nullable String header) {
        if (header == null
                || header.length() > HEADER_MAX
                || !header.regionMatches(true, 0, SCHEME, 0, SCHEME.length())) {
            return Optional.empty();
        }
        return ApiKey.parse(header.substring(SCHEME.length()).strip());
    }

    /// While the database is away nobody can be told apart: such an identity has no caller, and
    /// every resource answers it with 503.
    private SecurityIdentity check(ApiKey key) {
        try {
            return identity(keys.check(key));
        } catch (JdbiException e) {
            if (!Database.isOutage(e)) {
                throw e;
            }
            LOG.warnf("keys cannot be checked: %s", e.getMessage());
            return QuarkusSecurityIdentity.builder()
                    .setPrincipal(new QuarkusPrincipal("unchecked"))
                    .build();
        }
    }

    private static SecurityIdentity identity(Keys.Verdict verdict) {
        return switch (verdict) {
            case Keys.Verdict.Accepted(Caller caller) ->
                    QuarkusSecurityIdentity.builder()
                            .setPrincipal(new QuarkusPrincipal(caller.actor()))
                            .addAttribute(CALLER, caller)
                            .build();
            case Keys.Verdict.Refused() -> throw new AuthenticationFailedException();
        };
    }
}
