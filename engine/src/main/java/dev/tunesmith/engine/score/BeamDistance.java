package dev.tunesmith.engine.score;

import java.util.Arrays;
import java.util.List;

/// Fewest insertions, deletions and replacements of words, looked for near the diagonal only.
///
/// Rows of words that the last text asked for began with are kept.
final class BeamDistance {

    private static final int BEAM = 25;

    private static final int FAR = 1 << 29;

    private final List<String> wanted;
    private List<String> found = List.of();
    private int[][] costs = new int[1][];
    private Edit[][] edits = new Edit[1][];

    private enum Edit {
        NONE,
        KEEP,
        REPLACE,
        DELETE,
        INSERT
    }

    /// Which word of the prediction stands for each word of the reference.
    ///
    /// @param places per word of the reference; -1 before the first word
    record Alignment(int[] places, boolean[] wrongFound, boolean[] wrongWanted) {

        /// Whether both blocks have a wrong word.
        boolean wrong(int start, int other, int length) {
            return any(wrongFound, start, length) && any(wrongWanted, other, length);
        }

        private static boolean any(boolean[] flags, int start, int length) {
            for (int i = start; i < start + length; i++) {
                if (flags[i]) {
                    return true;
                }
            }
            return false;
        }
    }

    BeamDistance(List<String> wanted) {
        this.wanted = wanted;
        costs[0] = new int[wanted.size() + 1];
        edits[0] = new Edit[wanted.size() + 1];
        Arrays.setAll(costs[0], i -> i);
        Arrays.fill(edits[0], Edit.INSERT);
    }

    /// Edits that make a text of these words the reference.
    int edits(List<String> words) {
        int known = 0;
        if (words.size() == found.size()) {
            while (known < words.size() && words.get(known).equals(found.get(known))) {
                known++;
            }
        } else {
            costs = Arrays.copyOf(costs, words.size() + 1);
            edits = Arrays.copyOf(edits, words.size() + 1);
        }
        found = List.copyOf(words);
        for (int i = known + 1; i <= words.size(); i++) {
            row(i);
        }
        return costs[words.size()][wanted.size()];
    }

    private void row(int i) {
        int all = wanted.size();
        costs[i] = new int[all + 1];
        edits[i] = new Edit[all + 1];
        Arrays.fill(costs[i], FAR);
        Arrays.fill(edits[i], Edit.NONE);
        double ratio = (double) all / found.size();
        int beam = ratio / 2 > BEAM ? (int) Math.ceil(ratio / 2 + BEAM) : BEAM;
        int diagonal = (int) Math.floor(i * ratio);
        int end = i == found.size() ? all : Math.min(all, diagonal + beam - 1);
        for (int j = Math.max(0, diagonal - beam); j <= end; j++) {
            if (j > 0) {
                boolean same = found.get(i - 1).equals(wanted.get(j - 1));
                offer(i, j, costs[i - 1][j - 1] + (same ? 0 : 1), same ? Edit.KEEP : Edit.REPLACE);
            }
            offer(i, j, costs[i - 1][j] + 1, Edit.DELETE);
            if (j > 0) {
                offer(i, j, costs[i][j - 1] + 1, Edit.INSERT);
            }
        }
    }

    private void offer(int i, int j, int cost, Edit edit) {
        if (cost < costs[i][j]) {
            costs[i][j] = cost;
            edits[i][j] = edit;
        }
    }

    /// The alignment of the last text asked for.
    Alignment alignment() {
        int[] places = new int[wanted.size()];
        boolean[] wrongFound = new boolean[found.size()];
        boolean[] wrongWanted = new boolean[wanted.size()];
        int i = found.size();
        int j = wanted.size();
        while (i > 0 || j > 0) {
            Edit edit = edits[i][j];
            if (edit == Edit.NONE) {
                throw new IllegalStateException("no way back from word %d, %d".formatted(i, j));
            }
            if (edit != Edit.INSERT) {
                i--;
                wrongFound[i] = edit != Edit.KEEP;
            }
            if (edit != Edit.DELETE) {
                j--;
                wrongWanted[j] = edit != Edit.KEEP;
                places[j] = edit == Edit.INSERT ? i - 1 : i;
            }
        }
        return new Alignment(places, wrongFound, wrongWanted);
    }
}
