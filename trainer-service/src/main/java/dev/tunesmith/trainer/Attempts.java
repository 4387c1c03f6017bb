package dev.tunesmith.trainer;

import dev.tunesmith.contracts.id.Attempt;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// The attempts of this host and the slots that they take. A slot is free again when the child is
/// gone; the attempt stays in the beats until the scheduler knows its end.
final class Attempts {
    private final int slots;
    private final Map<Attempt, Run> runs = new HashMap<>();
    private int reserved;

    Attempts(int slots) {
        this.slots = slots;
    }

    int slots() {
        return slots;
    }

    synchronized int free() {
        long busy = runs.values().stream().filter(Run::childAlive).count();
        return Math.max(0, slots - reserved - Math.toIntExact(busy));
    }

    /// Takes a slot for a claim that is not decided yet.
    synchronized boolean reserve() {
        if (free() == 0) {
            return false;
        }
        reserved++;
        return true;
    }

    synchronized void release() {
        reserved--;
    }

    synchronized void add(Run run) {
        runs.put(run.attempt(), run);
        reserved--;
    }

    synchronized void remove(Attempt attempt) {
        runs.remove(attempt);
    }

    synchronized Optional<Run> find(Attempt attempt) {
        return Optional.ofNullable(runs.get(attempt));
    }

    synchronized List<Run> all() {
        return new ArrayList<>(runs.values());
    }
}
