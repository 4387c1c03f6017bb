package dev.tunesmith.api.tenant;

import dev.tunesmith.contracts.id.ApiKey;
import io.quarkus.security.identity.request.BaseAuthenticationRequest;

/// A key that waits for its check in the security framework.
final class KeyRequest extends BaseAuthenticationRequest {
    private final ApiKey key;

    KeyRequest(ApiKey key) {
        this.key = key;
    }

    ApiKey key() {
        return key;
    }
}
