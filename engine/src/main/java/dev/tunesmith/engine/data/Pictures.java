package dev.tunesmith.engine.data;

import java.util.List;

/// Pictures of a batch, cut into patches, in the order in which their placeholders stand in the
/// text.
///
/// @param values numbers of all patches, patch after patch, in the model's own order
/// @param width numbers of one patch
/// @param grids how the patches of each picture lie
// Arrays: pictures are handed to native code and never compared.
@SuppressWarnings("ArrayRecordComponent")
public record Pictures(float[] values, int width, List<Grid> grids) {

    /// No picture.
    public static final Pictures NONE = new Pictures(new float[0], 1, List.of());

    /// Patches of one picture.
    ///
    /// @param frames pictures one after the other, as in a film
    public record Grid(int frames, int rows, int columns) {
        /// All patches.
        public int patches() {
            return frames * rows * columns;
        }
    }

    public Pictures {
        grids = List.copyOf(grids);
        int patches = grids.stream().mapToInt(Grid::patches).sum();
        if (values.length != (long) patches * width) {
            throw new IllegalArgumentException(
                    "%d numbers for %d patches of %d".formatted(values.length, patches, width));
        }
    }

    /// The pictures of several, in order.
    public static Pictures joined(List<Pictures> parts) {
        List<Pictures> seen = parts.stream().filter(part -> !part.isEmpty()).toList();
        if (seen.isEmpty()) {
            return NONE;
        }
        float[] all = new float[seen.stream().mapToInt(part -> part.values.length).sum()];
        int at = 0;
        for (Pictures part : seen) {
            System.arraycopy(part.values, 0, all, at, part.values.length);
            at += part.values.length;
        }
        return new Pictures(
                all,
                seen.getFirst().width,
                seen.stream().flatMap(part -> part.grids.stream()).toList());
    }

    /// Whether there is no picture.
    public boolean isEmpty() {
        return grids.isEmpty();
    }
}
