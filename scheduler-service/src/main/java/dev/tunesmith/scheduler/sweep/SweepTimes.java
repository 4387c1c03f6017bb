package dev.tunesmith.scheduler.sweep;

import java.time.Duration;

/// When leftovers are looked for.
///
/// @param every period of the search
/// @param olderThan what is younger is left alone, whatever it is: its writer may still be on its
///   way to the row that refers to it
public record SweepTimes(Duration every, Duration olderThan) {
    public SweepTimes {
        if (olderThan.compareTo(Duration.ofHours(1)) < 0) {
            throw new IllegalArgumentException(
                    "leftovers must be at least an hour old to be swept, found " + olderThan);
        }
    }
}
