package dev.tunesmith.engine.prepare;

import java.util.ArrayList;
import java.util.List;

/// The first difference of two texts, line by line, short enough to be read in a message.
final class LineDifference {

    private static final int LINES_COMPARED = 400;
    private static final int LINES_SHOWN = 12;
    private static final int WIDTH = 100;
    private static final int LEAD = 20;

    private LineDifference() {}

    /// Lines that only the first text has with `-`, that only the second has with `+`, and a line
    /// of both before and behind them, from the first difference on (the longest common subsequence
    /// of lines decides).
    static String unified(String left, String right) {
        List<String> lefts = lines(left);
        List<String> rights = lines(right);
        int[][] common = common(lefts, rights);
        List<String> out = new ArrayList<>();
        int i = 0;
        int j = 0;
        while ((i < lefts.size() || j < rights.size()) && out.size() < LINES_SHOWN) {
            if (i < lefts.size() && j < rights.size() && lefts.get(i).equals(rights.get(j))) {
                if (out.isEmpty() && changesNext(lefts, rights, i, j)) {
                    out.add(shown(' ', lefts.get(i), 0));
                } else if (!out.isEmpty() && isChange(out.getLast())) {
                    out.add(shown(' ', lefts.get(i), 0));
                }
                i++;
                j++;
            } else if (j == rights.size()
                    || (i < lefts.size() && common[i + 1][j] >= common[i][j + 1])) {
                out.add(shown('-', lefts.get(i), hidden(lefts.get(i), at(rights, j))));
                i++;
            } else {
                out.add(shown('+', rights.get(j), hidden(rights.get(j), at(lefts, i - 1))));
                j++;
            }
        }
        if (i < lefts.size() || j < rights.size()) {
            out.add("…");
        }
        return String.join("\n", out);
    }

    private static boolean isChange(String line) {
        return line.charAt(0) != ' ';
    }

    private static boolean changesNext(List<String> lefts, List<String> rights, int i, int j) {
        boolean ends = i + 1 == lefts.size() || j + 1 == rights.size();
        return ends
                ? lefts.size() - i != rights.size() - j
                : !lefts.get(i + 1).equals(rights.get(j + 1));
    }

    private static List<String> lines(String text) {
        return List.of(text.split("\n", -1)).stream().limit(LINES_COMPARED).toList();
    }

    /// Lengths of the longest common subsequences of what is left from each place on.
    private static int[][] common(List<String> lefts, List<String> rights) {
        int[][] common = new int[lefts.size() + 1][rights.size() + 1];
        for (int i = lefts.size() - 1; i >= 0; i--) {
            for (int j = rights.size() - 1; j >= 0; j--) {
                common[i][j] =
                        lefts.get(i).equals(rights.get(j))
                                ? common[i + 1][j + 1] + 1
                                : Math.max(common[i + 1][j], common[i][j + 1]);
            }
        }
        return common;
    }

    private static String at(List<String> lines, int place) {
        return place >= 0 && place < lines.size() ? lines.get(place) : "";
    }

    /// How much of a long line is left out at its beginning, because another one begins like it.
    private static int hidden(String line, String other) {
        int same = 0;
        int most = Math.min(line.length(), other.length());
        while (same < most && line.charAt(same) == other.charAt(same)) {
            same++;
        }
        boolean fits = line.length() <= WIDTH || same < LEAD;
        return fits ? 0 : same - LEAD;
    }

    private static String shown(char mark, String line, int from) {
        int start = from;
        while (start > 0 && Character.isLowSurrogate(line.charAt(start))) {
            start--;
        }
        String rest = line.substring(start);
        int end =
                rest.offsetByCodePoints(0, Math.min(WIDTH, rest.codePointCount(0, rest.length())));
        return mark
                + (start > 0 ? "… " : "")
                + rest.substring(0, end)
                + (end < rest.length() ? " …" : "");
    }
}
