package dev.tunesmith.contracts.problem;

import java.util.ArrayList;
import java.util.List;

/// Collects problems: the first `limit` are kept, all are counted.
public final class Problems {
    private final int limit;
    private final List<Problem> kept = new ArrayList<>();
    private long count;

    /// A collector that keeps everything; for inputs of bounded size.
    public Problems() {
        this(Integer.MAX_VALUE);
    }

    public Problems(int limit) {
        this.limit = limit;
    }

    public void add(Problem problem) {
        count++;
        if (kept.size() < limit) {
            kept.add(problem);
        }
    }

    public void add(ProblemCode code, String param, String message) {
        add(Problem.of(code, param, message));
    }

    /// Adds what another collector found behind this one.
    public void addAll(Problems next) {
        count += next.count;
        next.kept.stream().limit(limit - (long) kept.size()).forEach(kept::add);
    }

    /// How many were found, kept or not.
    public long count() {
        return count;
    }

    public boolean none() {
        return count == 0;
    }

    public List<Problem> kept() {
        return List.copyOf(kept);
    }
}
