package dev.tunesmith.contracts.inspect;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// Collects findings of rows in order: all are counted, the first lines of each kind are kept, and
/// as many findings as the caller has room for.
public final class Findings {

    /// How many lines are kept of each kind.
    public static final int LINES_KEPT = 100;

    private final int kept;
    private final List<Finding> list = new ArrayList<>();
    private final Map<FindingKind, long[]> counts = new EnumMap<>(FindingKind.class);
    private final Map<FindingKind, List<Long>> lines = new EnumMap<>(FindingKind.class);

    /// @param kept how many findings are kept as they are
    public Findings(int kept) {
        this.kept = kept;
    }

    public void add(Finding finding) {
        counts.computeIfAbsent(finding.kind(), _ -> new long[1])[0]++;
        List<Long> first = lines.computeIfAbsent(finding.kind(), _ -> new ArrayList<>());
        boolean repeated = !first.isEmpty() && first.getLast() == finding.line();
        if (first.size() < LINES_KEPT && !repeated) {
            first.add(finding.line());
        }
        if (list.size() < kept) {
            list.add(finding);
        }
    }

    /// Adds the findings of the rows that follow, and hands back those that were kept of them.
    public List<Finding> addAll(Findings next) {
        next.counts.forEach(
                (kind, count) -> counts.computeIfAbsent(kind, _ -> new long[1])[0] += count[0]);
        next.lines.forEach((kind, later) -> {
            List<Long> first = lines.computeIfAbsent(kind, _ -> new ArrayList<>());
            later.stream().limit(LINES_KEPT - first.size()).forEach(first::add);
        });
        next.list.stream().limit(Math.max(0, kept - list.size())).forEach(list::add);
        return next.list;
    }

    public long count(FindingKind kind) {
        long[] count = counts.get(kind);
        return count == null ? 0 : count[0];
    }

    /// All kinds that were found, by their names.
    public Map<String, Tally> tallies() {
        Map<String, Tally> tallies = new LinkedHashMap<>();
        counts.forEach((kind, count) ->
                tallies.put(kind.wire(), new Tally(count[0], lines.getOrDefault(kind, List.of()))));
        return tallies;
    }
}
