package dev.tunesmith.scheduler.lease;

import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// The verdict of one pass of the reaper: `(leases, database time, doubt, rules) → lost and
/// silent`.
///
/// @param alarm set when a wave of expiries is held back and an operator should look
public record Reaping(
        List<HeldLease> lost, List<LeaseState.Silent> silent, Optional<String> alarm) {

    public Reaping {
        lost = List.copyOf(lost);
        silent = List.copyOf(silent);
    }

    /// What the reaper sees: every lease, the time of the database, and why this scheduler doubts
    /// its own hearing ([ControlPlaneWatch#doubt]).
    public record Picture(List<HeldLease> leases, Instant now, Optional<String> doubt) {

        public Picture {
            leases = List.copyOf(leases);
        }
    }

    public static Reaping decide(Picture picture, SilenceRules rules) {
        Optional<String> wave = massSilence(picture, rules);
        List<HeldLease> lost = new ArrayList<>();
        List<LeaseState.Silent> silent = new ArrayList<>();
        for (HeldLease lease : picture.leases()) {
            switch (judge(lease, picture, wave, rules)) {
                case LeaseState.Held _ -> {}
                case LeaseState.Silent quiet -> silent.add(quiet);
                case LeaseState.Lost _ -> lost.add(lease);
            }
        }
        return new Reaping(lost, silent, wave.filter(_ -> picture.doubt().isEmpty()));
    }

    static LeaseState judge(
            HeldLease lease, Picture picture, Optional<String> wave, SilenceRules rules) {
        Instant expired = lease.expiresAt();
        Instant now = picture.now();
        if (!expired.isBefore(now)) {
            return new LeaseState.Held(expired);
        }
        if (picture.doubt().isPresent()) {
            return new LeaseState.Silent(expired, picture.doubt().get());
        }
        if (!lease.taken()) {
            return new LeaseState.Lost(new Evidence.Untaken(expired));
        }
        if (!expired.plus(rules.grace()).isBefore(now)) {
            return new LeaseState.Silent(expired, "within the silence grace of " + rules.grace());
        }
        if (wave.isPresent() && !expired.plus(rules.orphanGrace()).isBefore(now)) {
            return new LeaseState.Silent(expired, wave.get());
        }
        return new LeaseState.Lost(new Evidence.Expired(expired));
    }

    /// More than half of all hosts falling silent at once is rather our network than their death.
    private static Optional<String> massSilence(Picture picture, SilenceRules rules) {
        long taken = picture.leases().stream().filter(HeldLease::taken).count();
        long expired =
                picture.leases().stream()
                        .filter(HeldLease::taken)
                        .filter(l -> l.expiresAt().plus(rules.grace()).isBefore(picture.now()))
                        .count();
        if (expired < rules.massMin() || expired <= taken * rules.massShare()) {
            return Optional.empty();
        }
        return Optional.of(
                "%d of %d leases fell silent at once; held for %s unless a host proves its death"
                        .formatted(expired, taken, rules.orphanGrace()));
    }
}
