package dev.tunesmith.scheduler;

import dev.tunesmith.scheduler.lease.LeaseTimes;
import dev.tunesmith.scheduler.lease.SilenceRules;
import dev.tunesmith.scheduler.sweep.SweepTimes;
import java.time.Duration;

/// Every period of the scheduler.
///
/// @param leases what the lease statements add to the clock of the database
/// @param silence when silence counts as death
/// @param reap how often leases are looked at
/// @param tick how often queue, wishes and deadlines are looked at, when nothing wakes them
/// @param beatsFresh how recent the reading of the beats must be for anyone to be reaped
/// @param hostFresh after how long without a beat a host's room no longer counts
/// @param sweep when leftovers in the object store are looked for
/// @param validateResend after how long without an answer a validation is sent again
public record SchedulerTimes(
        LeaseTimes leases,
        SilenceRules silence,
        Duration reap,
        Duration tick,
        Duration beatsFresh,
        Duration hostFresh,
        Duration validateResend,
        SweepTimes sweep) {}
