package dev.tunesmith.cli;

import dev.tunesmith.contracts.curve.Panel;
import dev.tunesmith.contracts.curve.Series;
import java.util.ArrayList;
import java.util.List;

/// Draws curves with Braille signs, each of two by four dots: measured values as they are, the
/// smoothed ones as a line through them.
final class TerminalPlot {
    private static final int BRAILLE = 0x2800;
    private static final int DOTS_WIDE = 2;
    private static final int DOTS_HIGH = 4;
    private static final int LABEL = 10;

    /// Bits of the dots of a sign, by column and row.
    private static final int[][] BITS = {{0x01, 0x02, 0x04, 0x40}, {0x08, 0x10, 0x20, 0x80}};

    private final int columns;
    private final int rows;
    private final int[][] signs;

    private TerminalPlot(int columns, int rows) {
        this.columns = columns;
        this.rows = rows;
        this.signs = new int[rows][columns];
    }

    /// The lines of one panel.
    static List<String> of(Panel panel, int columns, int rows) {
        var plot = new TerminalPlot(Math.max(10, columns - LABEL), Math.max(3, rows));
        Panel.Frame frame = panel.frame();
        for (Series curve : panel.curves()) {
            for (Series.Point point : curve.points()) {
                plot.dot(frame, (double) point.step(), point.value());
            }
            plot.line(frame, curve.smoothed().points());
        }
        return plot.lines(panel, frame);
    }

    private void line(Panel.Frame frame, List<Series.Point> points) {
        for (int i = 1; i < points.size(); i++) {
            Series.Point from = points.get(i - 1);
            Series.Point to = points.get(i);
            int parts = columns * DOTS_WIDE / Math.max(1, points.size()) + DOTS_HIGH * rows / 4;
            for (int part = 0; part <= parts; part++) {
                double share = part / (double) parts;
                dot(
                        frame,
                        from.step() + share * (double) (to.step() - from.step()),
                        from.value() + share * (to.value() - from.value()));
            }
        }
    }

    private void dot(Panel.Frame frame, double step, double value) {
        int x = (int) Math.round(frame.x(step) * (columns * DOTS_WIDE - 1));
        int y = (int) Math.round((1 - frame.y(value)) * (rows * DOTS_HIGH - 1));
        signs[y / DOTS_HIGH][x / DOTS_WIDE] |= BITS[x % DOTS_WIDE][y % DOTS_HIGH];
    }

    private List<String> lines(Panel panel, Panel.Frame frame) {
        var lines = new ArrayList<String>();
        String names = names(panel);
        lines.add(
                " ".repeat(LABEL)
                        + panel.title()
                        + (names.equals(panel.title()) ? "" : ": " + names));
        for (int row = 0; row < rows; row++) {
            String label =
                    row == 0
                            ? Panel.Frame.label(rounded(frame.high()))
                            : row == rows - 1 ? Panel.Frame.label(rounded(frame.low())) : "";
            var line = new StringBuilder(("%" + (LABEL - 2) + "s ┤").formatted(label));
            for (int sign : signs[row]) {
                line.appendCodePoint(BRAILLE + sign);
            }
            lines.add(line.append(ends(panel, frame, row)).toString());
        }
        String last = "step " + frame.last();
        lines.add(
                " ".repeat(LABEL)
                        + frame.first()
                        + " "
                                .repeat(
                                        Math.max(
                                                1,
                                                columns
                                                        - Long.toString(frame.first()).length()
                                                        - last.length()))
                        + last);
        return lines;
    }

    /// The names of the curves, numbered if there are several.
    private static String names(Panel panel) {
        List<String> names = panel.curves().stream().map(Series::name).toList();
        if (names.size() == 1) {
            return names.getFirst();
        }
        var numbered = new ArrayList<String>();
        for (String name : names) {
            numbered.add((numbered.size() + 1) + " " + name);
        }
        return String.join(", ", numbered);
    }

    /// The numbers of the curves that end in a row, if there are several.
    private String ends(Panel panel, Panel.Frame frame, int row) {
        var numbers = new StringBuilder();
        for (int i = 0; i < panel.curves().size() && panel.curves().size() > 1; i++) {
            double last = panel.curves().get(i).smoothed().points().getLast().value();
            int y = (int) Math.round((1 - frame.y(last)) * (rows * DOTS_HIGH - 1));
            if (y / DOTS_HIGH == row) {
                numbers.append(numbers.isEmpty() ? "" : ",").append(i + 1);
            }
        }
        return numbers.toString();
    }

    /// Three digits are enough for an end of an axis.
    private static double rounded(double value) {
        return Double.parseDouble(String.format(java.util.Locale.ROOT, "%.3g", value));
    }
}
