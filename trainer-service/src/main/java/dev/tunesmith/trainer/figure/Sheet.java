package dev.tunesmith.trainer.figure;

import dev.tunesmith.contracts.curve.Panel;
import dev.tunesmith.contracts.curve.Series;
import java.util.List;
import java.util.function.DoubleUnaryOperator;

/// Lays panels out in two columns and draws them, the measured values pale and the smoothed ones
/// dark.
final class Sheet {
    static final int PANEL_WIDTH = 480;
    static final int PANEL_HEIGHT = 300;
    private static final int LEFT = 64;
    private static final int RIGHT = 16;
    private static final int TOP = 38;
    private static final int BOTTOM = 36;
    private static final int TICKS = 5;
    private static final int POINTS_MAX = 1000;
    private static final double PALE = 0.4;

    /// Colours that people with colour-blindness can tell apart (Okabe and Ito).
    private static final int[] COLOURS = {0x0072B2, 0xD55E00, 0x009E73, 0xCC79A7};

    private static final int INK = 0x333333;
    private static final int GRID = 0xDDDDDD;

    private final List<Panel> panels;

    Sheet(List<Panel> panels) {
        this.panels = panels;
    }

    /// Where to draw; the origin is the upper left corner.
    interface Pen {
        void line(double[] xs, double[] ys, int colour, double opacity, double width);

        /// Writes a line of text.
        ///
        /// @param align 0 begins at x, 0.5 is centred on it, 1 ends there
        void text(double x, double y, String text, int colour, double align);
    }

    int width() {
        return panels.size() > 1 ? 2 * PANEL_WIDTH : PANEL_WIDTH;
    }

    int height() {
        return Math.max(1, Math.ceilDiv(panels.size(), 2)) * PANEL_HEIGHT;
    }

    void draw(Pen pen) {
        for (int i = 0; i < panels.size(); i++) {
            new Axes(panels.get(i), (i % 2) * PANEL_WIDTH, (i / 2) * PANEL_HEIGHT).draw(pen);
        }
    }

    /// One panel with its corner on the sheet.
    private record Axes(Panel panel, int left, int top) {
        private double x(double share) {
            return left + LEFT + share * (PANEL_WIDTH - LEFT - RIGHT);
        }

        private double y(double share) {
            return top + PANEL_HEIGHT - BOTTOM - share * (PANEL_HEIGHT - TOP - BOTTOM);
        }

        private void draw(Pen pen) {
            Panel.Frame frame = panel.frame();
            grid(pen, frame);
            for (int i = 0; i < panel.curves().size(); i++) {
                Series curve = panel.curves().get(i);
                int colour = COLOURS[i % COLOURS.length];
                curve(pen, frame, curve, colour, PALE);
                curve(pen, frame, curve.smoothed(), colour, 1);
            }
            legend(pen);
        }

        private void grid(Pen pen, Panel.Frame frame) {
            for (double tick : Panel.Frame.ticks(frame.low(), frame.high(), TICKS)) {
                double at = y(frame.y(tick));
                straight(pen, x(0), at, x(1), at, GRID);
                pen.text(x(0) - 6, at + 3, Panel.Frame.label(tick), INK, 1);
            }
            for (double tick :
                    Panel.Frame.ticks((double) frame.first(), (double) frame.last(), TICKS)) {
                if (tick == Math.rint(tick)) {
                    double at = x(frame.x(tick));
                    straight(pen, at, y(0), at, y(0) + 4, INK);
                    pen.text(at, y(0) + 16, Panel.Frame.label(tick), INK, 0.5);
                }
            }
            straight(pen, x(0), y(0), x(1), y(0), INK);
            straight(pen, x(0), y(0), x(0), y(1), INK);
            pen.text(x(0.5), y(0) + 30, "step", INK, 0.5);
        }

        private static void straight(
                Pen pen, double x1, double y1, double x2, double y2, int colour) {
            pen.line(new double[] {x1, x2}, new double[] {y1, y2}, colour, 1, 1);
        }

        private void curve(Pen pen, Panel.Frame frame, Series curve, int colour, double opacity) {
            List<Series.Point> points = curve.thinned(POINTS_MAX).points();
            DoubleUnaryOperator across = step -> x(frame.x(step));
            if (points.size() == 1) {
                double at = across.applyAsDouble((double) points.getFirst().step());
                double value = y(frame.y(points.getFirst().value()));
                pen.line(new double[] {at - 2, at + 2}, new double[] {value, value}, colour, 1, 4);
                return;
            }
            pen.line(
                    points.stream()
                            .mapToDouble(p -> across.applyAsDouble((double) p.step()))
                            .toArray(),
                    points.stream().mapToDouble(p -> y(frame.y(p.value()))).toArray(),
                    colour,
                    opacity,
                    opacity < 1 ? 1 : 1.8);
        }

        private void legend(Pen pen) {
            pen.text(x(0), top + 14, panel.title(), INK, 0);
            double at = x(1);
            for (int i = panel.curves().size() - 1; i >= 0; i--) {
                String name = panel.curves().get(i).name();
                if (panel.curves().size() > 1) {
                    pen.text(at, top + 28, name, COLOURS[i % COLOURS.length], 1);
                    at -= Letters.width(name) + 12;
                }
            }
        }
    }
}
