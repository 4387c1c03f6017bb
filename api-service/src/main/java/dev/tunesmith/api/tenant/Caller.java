package dev.tunesmith.api.tenant;

import dev.tunesmith.api.web.ApiException;
import dev.tunesmith.contracts.id.OrganizationId;
import dev.tunesmith.contracts.id.TenantId;
import dev.tunesmith.contracts.problem.ProblemCode;
import java.util.Set;
import java.util.UUID;

/// An authenticated client and the one tenant it acts in.
///
/// @param keyId public part of the key, the actor of whatever the client changes
/// @param principal user or service account that the key belongs to
public record Caller(
        TenantId tenant,
        OrganizationId organization,
        String keyId,
        UUID principal,
        Set<String> scopes,
        Project project) {
    /// Settings of the tenant.
    ///
    /// @param active false while the project is suspended
    /// @param strictStatus whether it wants no job status outside the published enum
    public record Project(boolean active, boolean strictStatus) {}

    public Caller {
        scopes = Set.copyOf(scopes);
    }

    /// The name under which the client's changes are recorded.
    public String actor() {
        return "key:" + keyId;
    }

    public boolean may(Scope scope) {
        boolean wholeTenant = scope != Scope.OPERATOR && scopes.contains(Scope.ALL);
        return wholeTenant || scopes.contains(scope.wire());
    }

    /// Stops a client whose project is suspended or whose key lacks a scope.
    public void require(Scope scope) {
        if (!project.active()) {
            throw ApiException.of(
                    ProblemCode.PERMISSION_DENIED,
                    "This project is suspended; ask the operator of the platform");
        }
        if (!may(scope)) {
            throw ApiException.of(
                    ProblemCode.PERMISSION_DENIED,
                    "This API key lacks the scope '%s'".formatted(scope.wire()));
        }
    }
}
