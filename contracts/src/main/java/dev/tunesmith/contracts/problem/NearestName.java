package dev.tunesmith.contracts.problem;

import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/// Finds the names that a mistyped one was probably meant to be.
public final class NearestName {
    /// A longer name is no slip of the finger, and its distances are a table as long as it is.
    private static final int NAME_MAX = 200;

    private NearestName() {}

    /// The best candidate, if one is near enough to be worth showing.
    public static Optional<String> of(String name, Collection<String> candidates) {
        return several(name, candidates, 1).stream().findFirst();
    }

    /// At most `count` near candidates, best first.
    ///
    /// Near means: an edit distance of about a third of the longer name (at least 1), or one name
    /// contained in the other. Case, `-`, `_` and `.` do not count.
    public static List<String> several(String name, Collection<String> candidates, int count) {
        if (name.length() > NAME_MAX) {
            return List.of();
        }
        String wanted = plain(name);
        record Scored(String name, int distance) {}
        return candidates.stream()
                .map(candidate -> new Scored(candidate, distance(wanted, plain(candidate))))
                .filter(scored -> near(wanted, plain(scored.name), scored.distance))
                .sorted(Comparator.comparingInt(Scored::distance).thenComparing(Scored::name))
                .limit(count)
                .map(Scored::name)
                .toList();
    }

    private static boolean near(String wanted, String candidate, int distance) {
        int longer = Math.max(wanted.length(), candidate.length());
        int shorter = Math.min(wanted.length(), candidate.length());
        boolean contained = wanted.contains(candidate) || candidate.contains(wanted);
        return distance <= Math.max(1, (longer + 1) / 3) || (contained && shorter >= 3);
    }

    private static String plain(String name) {
        return name.toLowerCase(Locale.ROOT).replaceAll("[-_. ]", "");
    }

    /// Edit distance in which two swapped neighbours count as one edit (optimal string alignment).
    static int distance(String left, String right) {
        int[][] cost = new int[left.length() + 1][right.length() + 1];
        for (int i = 0; i <= left.length(); i++) {
            cost[i][0] = i;
        }
        for (int j = 0; j <= right.length(); j++) {
            cost[0][j] = j;
        }
        for (int i = 1; i <= left.length(); i++) {
            for (int j = 1; j <= right.length(); j++) {
                cost[i][j] = cheapest(cost, left, right, i, j);
            }
        }
        return cost[left.length()][right.length()];
    }

    private static int cheapest(int[][] cost, String left, String right, int i, int j) {
        int replace = left.charAt(i - 1) == right.charAt(j - 1) ? 0 : 1;
        int best =
                Math.min(
                        cost[i - 1][j - 1] + replace,
                        Math.min(cost[i - 1][j] + 1, cost[i][j - 1] + 1));
        boolean swapped =
                i > 1
                        && j > 1
                        && left.charAt(i - 1) == right.charAt(j - 2)
                        && left.charAt(i - 2) == right.charAt(j - 1);
        return swapped ? Math.min(best, cost[i - 2][j - 2] + 1) : best;
    }
}
