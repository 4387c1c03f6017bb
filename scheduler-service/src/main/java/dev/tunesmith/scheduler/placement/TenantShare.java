package dev.tunesmith.scheduler.placement;

import dev.tunesmith.contracts.id.TenantId;

/// What a tenant holds of what it may hold.
public record TenantShare(TenantId tenant, int quota, int used, boolean active) {

    public int left() {
        return quota - used;
    }

    /// The same tenant after one more job was placed.
    public TenantShare plus(int gpus) {
        return new TenantShare(tenant, quota, used + gpus, active);
    }
}
