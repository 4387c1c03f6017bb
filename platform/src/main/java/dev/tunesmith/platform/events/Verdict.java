package dev.tunesmith.platform.events;

/// What a share group is told about one message.
public enum Verdict {
    /// Done with it, for good.
    ACCEPT,
    /// Not for this host now; hand it to another one.
    RELEASE,
    /// Nobody can handle it; it goes to the dead letters.
    REJECT
}
