package dev.tunesmith.trainer.figure;

import dev.tunesmith.contracts.curve.Panel;
import java.util.List;
import java.util.Locale;

/// Curves as SVG.
final class SvgFigure implements Sheet.Pen {
    private final StringBuilder out = new StringBuilder();

    private SvgFigure() {}

    static String of(List<Panel> panels) {
        var sheet = new Sheet(panels);
        var figure = new SvgFigure();
        figure.out.append(
                "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%1$d\" height=\"%2$d\" viewBox=\"0 0 %1$d %2$d\" font-family=\"sans-serif\" font-size=\"11\">\n<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n"
                        .formatted(sheet.width(), sheet.height()));
        sheet.draw(figure);
        return figure.out.append("</svg>\n").toString();
    }

    @Override
    public void line(double[] xs, double[] ys, int colour, double opacity, double width) {
        out.append("<polyline fill=\"none\" stroke=\"#%06x\" stroke-width=\"".formatted(colour))
                .append(number(width))
                .append(opacity < 1 ? "\" opacity=\"" + number(opacity) : "")
                .append("\" points=\"");
        for (int i = 0; i < xs.length; i++) {
            out.append(i == 0 ? "" : " ").append(number(xs[i])).append(',').append(number(ys[i]));
        }
        out.append("\"/>\n");
    }

    @Override
    public void text(double x, double y, String text, int colour, double align) {
        String anchor = align == 0 ? "start" : align == 1 ? "end" : "middle";
        out.append(
                "<text x=\"%s\" y=\"%s\" text-anchor=\"%s\" fill=\"#%06x\">%s</text>\n"
                        .formatted(
                                number(x),
                                number(y),
                                anchor,
                                colour,
                                text.replace("&", "&amp;")
                                        .replace("<", "&lt;")
                                        .replace(">", "&gt;")));
    }

    private static String number(double value) {
        return String.format(Locale.ROOT, "%.1f", value).replaceFirst("\\.0$", "");
    }
}
