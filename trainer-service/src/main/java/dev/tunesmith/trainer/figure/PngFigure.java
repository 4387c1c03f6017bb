package dev.tunesmith.trainer.figure;

import dev.tunesmith.contracts.curve.Panel;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.zip.CRC32;
import java.util.zip.DeflaterOutputStream;

/// Curves as PNG, drawn without a window system or its fonts, which servers do not have.
final class PngFigure implements Sheet.Pen {
    /// Eight bits each of red, green and blue, no interlacing (PNG specification, 11.2.2).
    private static final byte[] TRUE_COLOUR = {8, 2, 0, 0, 0};

    private static final byte[] SIGNATURE = {(byte) 0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};

    private final int width;
    private final int height;
    private final byte[] pixels;

    private PngFigure(int width, int height) {
        this.width = width;
        this.height = height;
        this.pixels = new byte[3 * width * height];
        java.util.Arrays.fill(pixels, (byte) 0xFF);
    }

    static byte[] of(List<Panel> panels) {
        var sheet = new Sheet(panels);
        var figure = new PngFigure(sheet.width(), sheet.height());
        sheet.draw(figure);
        return figure.encoded();
    }

    @Override
    public void line(double[] xs, double[] ys, int colour, double opacity, double width) {
        var cover = new float[this.width * height];
        for (int i = 1; i < xs.length; i++) {
            segment(cover, new double[] {xs[i - 1], ys[i - 1], xs[i], ys[i]}, width / 2);
        }
        for (int i = 0; i < cover.length; i++) {
            if (cover[i] > 0) {
                mix(i, colour, opacity * cover[i]);
            }
        }
    }

    /// How much of each pixel a stroke covers, by the distance of its centre.
    private void segment(float[] cover, double[] ends, double half) {
        double dx = ends[2] - ends[0];
        double dy = ends[3] - ends[1];
        double length = Math.max(1e-9, dx * dx + dy * dy);
        int fromX = (int) Math.floor(Math.min(ends[0], ends[2]) - half - 1);
        int toX = (int) Math.ceil(Math.max(ends[0], ends[2]) + half + 1);
        int fromY = (int) Math.floor(Math.min(ends[1], ends[3]) - half - 1);
        int toY = (int) Math.ceil(Math.max(ends[1], ends[3]) + half + 1);
        for (int y = Math.max(0, fromY); y <= Math.min(height - 1, toY); y++) {
            for (int x = Math.max(0, fromX); x <= Math.min(width - 1, toX); x++) {
                double px = x + 0.5 - ends[0];
                double py = y + 0.5 - ends[1];
                double along = Math.clamp((px * dx + py * dy) / length, 0, 1);
                double away = Math.hypot(px - along * dx, py - along * dy);
                float share = (float) Math.clamp(half + 0.5 - away, 0, 1);
                cover[y * width + x] = Math.max(cover[y * width + x], share);
            }
        }
    }

    @Override
    public void text(double x, double y, String text, int colour, double align) {
        int left = (int) Math.round(x - align * Letters.width(text));
        int top = (int) Math.round(y) - Letters.HEIGHT;
        for (int row = 0; row < Letters.HEIGHT; row++) {
            for (int column = 0; column < Letters.width(text); column++) {
                boolean inside =
                        left + column >= 0
                                && left + column < width
                                && top + row >= 0
                                && top + row < height;
                if (inside && Letters.inked(text, column, row)) {
                    mix((top + row) * width + left + column, colour, 1);
                }
            }
        }
    }

    private void mix(int pixel, int colour, double share) {
        for (int channel = 0; channel < 3; channel++) {
            int ink = (colour >> (16 - 8 * channel)) & 0xFF;
            int paper = pixels[3 * pixel + channel] & 0xFF;
            pixels[3 * pixel + channel] = (byte) Math.round(paper + share * (ink - paper));
        }
    }

    private byte[] encoded() {
        var file = new ByteArrayOutputStream();
        file.writeBytes(SIGNATURE);
        chunk(
                file,
                "IHDR",
                ByteBuffer.allocate(13).putInt(width).putInt(height).put(TRUE_COLOUR).array());
        var packed = new ByteArrayOutputStream();
        try (var deflater = new DeflaterOutputStream(packed)) {
            for (int row = 0; row < height; row++) {
                deflater.write(0);
                deflater.write(pixels, 3 * width * row, 3 * width);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        chunk(file, "IDAT", packed.toByteArray());
        chunk(file, "IEND", new byte[0]);
        return file.toByteArray();
    }

    private static void chunk(ByteArrayOutputStream file, String type, byte[] content) {
        byte[] name = type.getBytes(StandardCharsets.US_ASCII);
        var sum = new CRC32();
        sum.update(name);
        sum.update(content);
        file.writeBytes(
                ByteBuffer.allocate(12 + content.length)
                        .putInt(content.length)
                        .put(name)
                        .put(content)
                        .putInt((int) sum.getValue())
                        .array());
    }
}
