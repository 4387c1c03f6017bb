package dev.tunesmith.scheduler.placement;

/// Whose turn it is: the tenant with the lowest share goes first. Weighted dominant shares over
/// cohorts with decayed usage implement this one method.
@FunctionalInterface
public interface ShareOrder {

    double share(TenantShare tenant);

    /// Used part of the own quota.
    ShareOrder QUOTA_USED = tenant -> (double) tenant.used() / Math.max(tenant.quota(), 1);
}
