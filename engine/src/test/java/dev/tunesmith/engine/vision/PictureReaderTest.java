package dev.tunesmith.engine.vision;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIOException;
import static org.assertj.core.api.Assertions.within;

import dev.tunesmith.engine.data.Pictures;
import dev.tunesmith.engine.data.Pictures.Grid;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// The sized pictures were made with Pillow, those with profiles by
/// golden/generate/picture_profiles.py.
class PictureReaderTest {

    @Test
    void theMiddleOfAPictureBecomesASquare() throws IOException {
        Pictures pictures = new PictureReader(7, 1, 1, 28).read(resource("checks.png"));

        assertThat(pictures.grids()).containsExactly(new Grid(1, 4, 4));
        isCutFrom(pictures, resource("checks_28.bin"), 28, 7);
    }

    @Test
    void aPictureKeepsItsShapeUpToWholePatches() throws IOException {
        Pictures pictures = new PictureReader(4, 2, 2, 0).read(resource("checks.png"));

        assertThat(pictures.grids()).containsExactly(new Grid(1, 14, 18));
        byte[] sized = resource("checks_56x72.bin");
        // The second patch of the second group: row 0, columns 12 to 15.
        float[] values = pictures.values();
        int patch = 5 * pictures.width();
        for (int frame : List.of(0, 1)) {
            int first = patch + frame * 16;
            assertThat(values[first]).isCloseTo(normal(sized[12 * 3], 0), within(1e-6f));
        }
    }

    /// Kills: numbers that the decoder turned by a profile, in which red and blue are swapped.
    @ParameterizedTest
    @ValueSource(strings = {"profile_broken.jpg", "profile_other.jpg"})
    void aColourProfileChangesNothing(String name) throws IOException {
        Pictures pictures = new PictureReader(7, 1, 1, 28).read(resource(name));
        isCutFrom(pictures, resource("profile.bin"), 28, 7);
    }

    /// Kills: giving the decoder pieces of a profile that do not belong together.
    @Test
    void aProfileWithPiecesMissingIsReadToo() throws IOException {
        byte[] whole = resource("profile_other.jpg");
        byte[] damaged = whole.clone();
        int name = new String(whole, StandardCharsets.ISO_8859_1).indexOf("ICC_PROFILE");
        damaged[name + 12] = 3; // the third of
        damaged[name + 13] = 2; // two
        Pictures pictures = new PictureReader(7, 1, 1, 28).read(damaged);
        isCutFrom(pictures, resource("profile.bin"), 28, 7);
    }

    @ParameterizedTest
    @ValueSource(ints = {2, 3, 5, 20, 40, 200, 1000})
    void aFileThatEndsEarlyIsNotReadBeyond(int length) throws IOException {
        byte[] cut = Arrays.copyOf(resource("profile_other.jpg"), length);
        assertThat(JpegProfile.without(cut).length).isLessThanOrEqualTo(length);
        byte[] nothing = {(byte) 0xFF, (byte) 0xD8, (byte) 0xFF, (byte) 0xFF, (byte) 0xFF, 0, 0};
        assertThat(JpegProfile.without(nothing)).isEqualTo(nothing);
    }

    @Test
    void whatIsNoPictureIsRefused() {
        assertThatIOException()
                .isThrownBy(() -> new PictureReader(7, 1, 1, 28).read(new byte[] {1, 2, 3}))
                .withMessageContaining("neither PNG nor JPEG");
    }

    private static void isCutFrom(Pictures pictures, byte[] sized, int width, int side) {
        int at = 0;
        for (int patch = 0; patch < pictures.grids().getFirst().patches(); patch++) {
            for (int i = 0; i < pictures.width(); i++) {
                int channel = i / (side * side);
                int row = patch / (width / side) * side + i / side % side;
                int column = patch % (width / side) * side + i % side;
                assertThat(pictures.values()[at++])
                        .isCloseTo(
                                normal(sized[(row * width + column) * 3 + channel], channel),
                                within(1e-6f));
            }
        }
    }

    private static float normal(byte value, int channel) {
        double[] mean = {0.48145466, 0.4578275, 0.40821073};
        double[] deviation = {0.26862954, 0.26130258, 0.27577711};
        return (float) (((value & 0xFF) / 255.0 - mean[channel]) / deviation[channel]);
    }

    private static byte[] resource(String name) throws IOException {
        try (InputStream in = PictureReaderTest.class.getResourceAsStream("/pictures/" + name)) {
            return Objects.requireNonNull(in).readAllBytes();
        }
    }
}
