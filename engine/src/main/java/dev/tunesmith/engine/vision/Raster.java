package dev.tunesmith.engine.vision;

/// A decoded picture: red, green and blue of every pixel, row after row.
///
/// Resizing is that of the Pillow library, bit for bit: a cubic filter as wide as the reduction, in
/// whole numbers, first along rows, then along columns.
// Arrays: never compared.
@SuppressWarnings("ArrayRecordComponent")
public record Raster(int rows, int columns, byte[] pixels) {

    private static final int CHANNELS = 3;
    private static final int BITS = 22;
    private static final double SUPPORT = 2;
    private static final double CURVE = -0.5;

    /// The value of one channel, from 0 to 255.
    int at(int row, int column, int channel) {
        return pixels[(row * columns + column) * CHANNELS + channel] & 0xFF;
    }

    /// A part of the picture.
    Raster part(int top, int left, int height, int width) {
        byte[] part = new byte[height * width * CHANNELS];
        for (int row = 0; row < height; row++) {
            System.arraycopy(
                    pixels,
                    ((top + row) * columns + left) * CHANNELS,
                    part,
                    row * width * CHANNELS,
                    width * CHANNELS);
        }
        return new Raster(height, width, part);
    }

    /// The picture in another size.
    Raster resized(int height, int width) {
        Raster wide = width == columns ? this : alongRows(width);
        return height == rows ? wide : wide.turned().alongRows(height).turned();
    }

    private Raster turned() {
        int height = columns;
        int width = rows;
        byte[] turned = new byte[pixels.length];
        for (int row = 0; row < rows; row++) {
            for (int column = 0; column < columns; column++) {
                System.arraycopy(
                        pixels,
                        (row * columns + column) * CHANNELS,
                        turned,
                        (column * rows + row) * CHANNELS,
                        CHANNELS);
            }
        }
        return new Raster(height, width, turned);
    }

    private Raster alongRows(int width) {
        byte[] sized = new byte[rows * width * CHANNELS];
        double scale = (double) columns / width;
        double stretch = Math.max(1, scale);
        for (int x = 0; x < width; x++) {
            double centre = (x + 0.5) * scale;
            int first = Math.max(0, (int) (centre - SUPPORT * stretch + 0.5));
            int end = Math.min(columns, (int) (centre + SUPPORT * stretch + 0.5));
            int[] weights = weights(first, end, centre, stretch);
            for (int row = 0; row < rows; row++) {
                for (int c = 0; c < CHANNELS; c++) {
                    int sum = 1 << (BITS - 1);
                    for (int i = first; i < end; i++) {
                        sum += at(row, i, c) * weights[i - first];
                    }
                    sized[(row * width + x) * CHANNELS + c] =
                            (byte) Math.clamp(sum >> BITS, 0, 255);
                }
            }
        }
        return new Raster(rows, width, sized);
    }

    private static int[] weights(int first, int end, double centre, double stretch) {
        double[] exact = new double[end - first];
        double total = 0;
        for (int i = 0; i < exact.length; i++) {
            exact[i] = cubic((i + first - centre + 0.5) / stretch);
            total += exact[i];
        }
        int[] weights = new int[exact.length];
        for (int i = 0; i < exact.length; i++) {
            double scaled = exact[i] / total * (1 << BITS);
            weights[i] = (int) (scaled < 0 ? scaled - 0.5 : scaled + 0.5);
        }
        return weights;
    }

    private static double cubic(double x) {
        double d = Math.abs(x);
        if (d < 1) {
            return ((CURVE + 2) * d - (CURVE + 3)) * d * d + 1;
        }
        return d < SUPPORT ? (((d - 5) * d + 8) * d - 4) * CURVE : 0;
    }
}
