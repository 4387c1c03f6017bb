package dev.tunesmith.engine.score;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/// Translation edit rate as sacrebleu counts it: words to insert, delete, replace and blocks of
/// words to move, per 100 words of the references; letters in lower case.
///
/// Sources: M. Snover and others, A study of translation edit rate with targeted human annotation
/// (2006); the limits of the search are Tercom's; behaviour of sacrebleu 2.6.
///
/// @param edits all edits
/// @param wantedLength words of the references
public record TerScore(double score, int edits, int wantedLength) {

    private static final int LONGEST_BLOCK = 10;

    private static final int FARTHEST_MOVE = 50;

    private static final int MOST_CANDIDATES = 1000;

    /// Numbers of [#sums].
    static final int SUMS = 2;

    /// Scores predictions against one reference each.
    public static TerScore of(List<TextPair> pairs) {
        double[] sums = new double[SUMS];
        for (TextPair pair : pairs) {
            double[] more = sums(pair);
            sums[0] += more[0];
            sums[1] += more[1];
        }
        return of(sums);
    }

    /// What one pair adds: edits, and words of the reference.
    static double[] sums(TextPair pair) {
        List<String> wanted = words(pair.reference());
        return new double[] {edits(words(pair.prediction()), wanted), wanted.size()};
    }

    /// The score of all pairs whose sums these are.
    static TerScore of(double[] sums) {
        double rate = sums[0] > 0 ? 1 : 0;
        if (sums[1] > 0) {
            rate = sums[0] / sums[1];
        }
        return new TerScore(100 * rate, (int) sums[0], (int) sums[1]);
    }

    private static List<String> words(String text) {
        return BleuTokenizer.onBlanks(text.toLowerCase(Locale.ROOT));
    }

    private static int edits(List<String> found, List<String> wanted) {
        if (wanted.isEmpty()) {
            return found.size();
        }
        BeamDistance distance = new BeamDistance(wanted);
        List<String> words = found;
        int moves = 0;
        int tried = 0;
        while (true) {
            Search search = new Search(words, wanted, distance, tried);
            Move best = search.best();
            tried = search.tried;
            if (tried >= MOST_CANDIDATES || best.gain() <= 0) {
                return moves + distance.edits(words);
            }
            words = moved(words, best);
            moves++;
        }
    }

    /// Words with a block moved. A target up to the end of the block counts in the words without
    /// the block, one behind it in those with it.
    private static List<String> moved(List<String> words, Move move) {
        List<String> block = words.subList(move.start(), move.start() + move.length());
        List<String> rest = new ArrayList<>(words.subList(0, move.start()));
        rest.addAll(words.subList(move.start() + move.length(), words.size()));
        int behind = move.start() + move.length();
        int target = move.target() > behind ? move.target() - move.length() : move.target();
        rest.addAll(Math.min(target, rest.size()), block);
        return rest;
    }

    /// A block of the prediction and where it goes.
    private record Move(int gain, int length, int start, int target) {

        /// More gain, then the longer block, then the earlier start, then the earlier target.
        private boolean beats(Move other) {
            if (gain != other.gain) {
                return gain > other.gain;
            }
            if (length != other.length) {
                return length > other.length;
            }
            return start != other.start ? start < other.start : target < other.target;
        }
    }

    /// Looks for the move that saves most edits.
    private static final class Search {

        private static final Move NONE = new Move(Integer.MIN_VALUE, 0, 0, 0);

        private final List<String> found;
        private final List<String> wanted;
        private final BeamDistance distance;
        private final int before;
        private final BeamDistance.Alignment alignment;
        private int tried;
        private Move best = NONE;

        Search(List<String> found, List<String> wanted, BeamDistance distance, int tried) {
            this.found = found;
            this.wanted = wanted;
            this.distance = distance;
            this.tried = tried;
            before = distance.edits(found);
            alignment = distance.alignment();
        }

        Move best() {
            for (int start = 0; start < found.size(); start++) {
                int last = Math.min(wanted.size() - 1, start + FARTHEST_MOVE);
                for (int other = Math.max(0, start - FARTHEST_MOVE); other <= last; other++) {
                    if (!blocks(start, other)) {
                        return best;
                    }
                }
            }
            return best;
        }

        /// Tries all blocks that start at two places; false when that was enough.
        private boolean blocks(int start, int other) {
            int longest = Math.min(found.size() - start, wanted.size() - other);
            for (int length = 1; length <= Math.min(longest, LONGEST_BLOCK); length++) {
                if (!found.get(start + length - 1).equals(wanted.get(other + length - 1))) {
                    return true;
                }
                int at = alignment.places()[other];
                boolean inside = start <= at && at < start + length;
                if (!inside && alignment.wrong(start, other, length)) {
                    targets(start, other, length);
                    if (tried >= MOST_CANDIDATES) {
                        return false;
                    }
                }
            }
            return true;
        }

        private void targets(int start, int other, int length) {
            int previous = -1;
            for (int at = other - 1; at < other + length && at < wanted.size(); at++) {
                int target = at < 0 ? 0 : alignment.places()[at] + 1;
                if (target != previous) {
                    previous = target;
                    Move move = new Move(0, length, start, target);
                    int gain = before - distance.edits(moved(found, move));
                    Move candidate = new Move(gain, length, start, target);
                    tried++;
                    if (candidate.beats(best)) {
                        best = candidate;
                    }
                }
            }
        }
    }
}
