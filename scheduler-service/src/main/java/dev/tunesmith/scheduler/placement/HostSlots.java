package dev.tunesmith.scheduler.placement;

/// Room that a host announced and that no lease of this database already takes.
public record HostSlots(String host, String flavor, int free, long memoryBytes) {}
