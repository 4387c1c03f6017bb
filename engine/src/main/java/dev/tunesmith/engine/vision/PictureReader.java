package dev.tunesmith.engine.vision;

import dev.tunesmith.engine.data.Pictures;
import dev.tunesmith.engine.data.Pictures.Grid;
import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import javax.imageio.ImageIO;
import javax.imageio.ImageReader;
import javax.imageio.stream.ImageInputStream;
import javax.imageio.stream.MemoryCacheImageInputStream;

/// Turns an encoded picture (PNG or JPEG) into the patches that a tower reads.
///
/// @param side pixels of a patch in each direction
/// @param frames how often a still picture is repeated
/// @param merge so many patches in both directions lie together
/// @param fixed pixels that every picture is brought to in both directions; 0 where pictures keep
///   their own shape
public record PictureReader(int side, int frames, int merge, int fixed) {

    private static final int CHANNELS = 3;
    private static final double[] MEAN = {0.48145466, 0.4578275, 0.40821073};
    private static final double[] DEVIATION = {0.26862954, 0.26130258, 0.27577711};
    private static final Set<String> FORMATS = Set.of("png", "jpeg");
    private static final long DECODED_PIXELS_MAX = 40_000_000;
    private static final long SIDES_RATIO_MAX = 200;

    /// Passes over a progressive picture; encoders make about ten.
    private static final int SCANS_MAX = 100;

    private static final long PIXELS_MIN = 56 * 56;
    private static final long PIXELS_MAX = 14 * 14 * 4 * 1280;

    /// Reads one picture.
    ///
    /// @throws IOException if it is neither PNG nor JPEG, or damaged, or too large
    public Pictures read(byte[] encoded) throws IOException {
        BufferedImage image = decoded(encoded);
        int[] rgb =
                image.getRGB(0, 0, image.getWidth(), image.getHeight(), null, 0, image.getWidth());
        byte[] pixels = new byte[rgb.length * CHANNELS];
        for (int p = 0; p < rgb.length; p++) {
            for (int c = 0; c < CHANNELS; c++) {
                pixels[p * CHANNELS + c] = (byte) (rgb[p] >> (8 * (CHANNELS - 1 - c)));
            }
        }
        return patches(new Raster(image.getHeight(), image.getWidth(), pixels));
    }

    /// A file may claim any size and hold little: it is decoded only once its size is known.
    private static BufferedImage decoded(byte[] encoded) throws IOException {
        requireFewScans(encoded);
        try (ImageInputStream stream =
                new MemoryCacheImageInputStream(
                        new ByteArrayInputStream(JpegProfile.without(encoded)))) {
            ImageReader reader = decoder(stream);
            try {
                reader.setInput(stream, true, true);
                requireDecodable(reader.getWidth(0), reader.getHeight(0));
                return reader.read(0);
            } catch (RuntimeException e) { // what decoders throw for damaged files
                throw new IOException("a picture is damaged: " + e.getMessage(), e);
            } finally {
                reader.dispose();
            }
        }
    }

    /// A scan of ten bytes is a pass over all pixels. Its mark stands nowhere in compressed data.
    private static void requireFewScans(byte[] encoded) throws IOException {
        boolean jpeg =
                encoded.length > 1 && (encoded[0] & 0xFF) == 0xFF && (encoded[1] & 0xFF) == 0xD8;
        int scans = 0;
        for (int i = 1; jpeg && i < encoded.length; i++) {
            boolean begins = (encoded[i] & 0xFF) == 0xDA && (encoded[i - 1] & 0xFF) == 0xFF;
            scans += begins ? 1 : 0;
        }
        if (scans > SCANS_MAX) {
            throw new IOException(
                    "a picture has %d scans; at most %d are read".formatted(scans, SCANS_MAX));
        }
    }

    private static ImageReader decoder(ImageInputStream stream) throws IOException {
        Iterator<ImageReader> readers = ImageIO.getImageReaders(stream);
        while (readers.hasNext()) {
            ImageReader reader = readers.next();
            if (FORMATS.contains(reader.getFormatName().toLowerCase(Locale.ROOT))) {
                return reader;
            }
            reader.dispose();
        }
        throw new IOException("a picture is neither PNG nor JPEG");
    }

    private static void requireDecodable(long width, long height) throws IOException {
        boolean thin = Math.max(width, height) > SIDES_RATIO_MAX * Math.min(width, height);
        if (width * height > DECODED_PIXELS_MAX || thin) {
            throw new IOException(
                    "a picture has %d x %d pixels; at most %d are read, and one side may be %d times the other"
                            .formatted(width, height, DECODED_PIXELS_MAX, SIDES_RATIO_MAX));
        }
    }

    private Pictures patches(Raster decoded) {
        return cut(fixed > 0 ? cropped(decoded) : fitted(decoded));
    }

    /// Patches of a picture whose size fits already.
    public Pictures cut(Raster sized) {
        Grid grid = new Grid(1, sized.rows() / side, sized.columns() / side);
        int numbers = CHANNELS * frames * side * side;
        float[] values = new float[grid.patches() * numbers];
        int groups = grid.columns() / merge;
        int at = 0;
        for (int patch = 0; patch < grid.patches(); patch++) {
            int group = patch / (merge * merge);
            int inside = patch % (merge * merge);
            int top = (group / groups * merge + inside / merge) * side;
            int left = (group % groups * merge + inside % merge) * side;
            for (int i = 0; i < numbers; i++) {
                int c = i / (frames * side * side);
                int row = top + i / side % side;
                int column = left + i % side;
                double value = sized.at(row, column, c) / 255.0;
                values[at++] = (float) ((value - MEAN[c]) / DEVIATION[c]);
            }
        }
        return new Pictures(values, numbers, List.of(grid));
    }

    /// The shorter side becomes the fixed size, of the longer one the middle stays.
    private Raster cropped(Raster from) {
        int shorter = Math.min(from.rows(), from.columns());
        int rows = (int) ((long) from.rows() * fixed / shorter);
        int columns = (int) ((long) from.columns() * fixed / shorter);
        Raster sized = from.resized(rows, columns);
        return sized.part((rows - fixed) / 2, (columns - fixed) / 2, fixed, fixed);
    }

    /// Sides become multiples of a merged group, within bounds for the number of pixels.
    private Raster fitted(Raster from) {
        int unit = side * merge;
        double height = from.rows();
        double width = from.columns();
        int rows = (int) Math.max(unit, Math.rint(height / unit) * unit);
        int columns = (int) Math.max(unit, Math.rint(width / unit) * unit);
        if ((long) rows * columns > PIXELS_MAX) {
            double shrink = Math.sqrt(height * width / PIXELS_MAX);
            rows = Math.max(unit, (int) Math.floor(height / shrink / unit) * unit);
            columns = Math.max(unit, (int) Math.floor(width / shrink / unit) * unit);
        } else if ((long) rows * columns < PIXELS_MIN) {
            double grow = Math.sqrt(PIXELS_MIN / (height * width));
            rows = (int) Math.ceil(height * grow / unit) * unit;
            columns = (int) Math.ceil(width * grow / unit) * unit;
        }
        return from.resized(rows, columns);
    }
}
