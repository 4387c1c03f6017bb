/// Keeps the whole platform running on one machine: [Supervisor] starts every part as a process of
/// its own, in order, restarts what dies, and stops everything when asked. [Stack] says which parts
/// there are and how they are wired; [StackFolder] is what survives a restart: lock, secrets,
/// ports, process ids.
@org.jspecify.annotations.NullMarked
package dev.tunesmith.standalone.supervise;
