package dev.tunesmith.engine.model.entry;

import dev.tunesmith.engine.data.Pictures;
import dev.tunesmith.engine.nn.position.Rotary;
import dev.tunesmith.engine.nn.position.RotaryTable;
import dev.tunesmith.engine.ops.Rotation.Angles;
import dev.tunesmith.engine.tensor.Region;
import dev.tunesmith.engine.vision.GridPositions;
import java.util.Iterator;
import java.util.List;

/// The angles of tokens by where they stand, for every rotary encoding of a model.
///
/// @param byAxes whether tokens of pictures have positions on several axes
/// @param imageToken stands for one row of a picture
/// @param merge so many patches of a picture in both directions are one row
public record PositionAngles(List<RotaryTable> tables, boolean byAxes, int imageToken, int merge)
        implements AutoCloseable {

    public PositionAngles {
        tables = List.copyOf(tables);
    }

    /// Empty tables for those encodings.
    public static PositionAngles of(List<Rotary> rotaries, int imageToken, int merge) {
        return new PositionAngles(
                rotaries.stream().map(RotaryTable::new).toList(),
                rotaries.stream().anyMatch(rotary -> !rotary.sections().isEmpty()),
                imageToken,
                merge);
    }

    /// The angles of tokens, of which `pictures` stand at some.
    ///
    /// @param step where tables live that serve this step only
    List<Angles> of(int[] ids_N, Pictures pictures, Places places, Region step) {
        if (!countsSides(pictures)) {
            return ofText(places, step);
        }
        int[][] positions_AN = positions_AN(ids_N, pictures, places);
        return tables.stream()
                .map(table -> table.angles(positions_AN, places.lengths_N(), step))
                .toList();
    }

    /// The angles of tokens among which no pictures stand.
    List<Angles> ofText(Places places, Region step) {
        return tables.stream()
                .map(table -> table.angles(places.positions_N(), places.lengths_N(), step))
                .toList();
    }

    private int[][] positions_AN(int[] ids_N, Pictures pictures, Places places) {
        GridPositions positions = new GridPositions(imageToken, merge, ids_N.length);
        Iterator<Pictures.Grid> grids = pictures.grids().iterator();
        int[] cuSeqlens_D1 = places.cuSeqlens_D1();
        for (int d = 1; d < cuSeqlens_D1.length; d++) {
            int from = cuSeqlens_D1[d - 1];
            int first = places.positions_N()[from];
            int _ = positions.fill(ids_N, from, cuSeqlens_D1[d], first, grids);
        }
        return positions.positions_AN();
    }

    /// How much the positions behind a text with pictures differ from their places.
    public int shift(int[] ids, Pictures pictures) {
        return countsSides(pictures)
                ? new GridPositions(imageToken, merge, ids.length)
                                .fill(ids, 0, ids.length, 0, pictures.grids().iterator())
                        - ids.length
                : 0;
    }

    private boolean countsSides(Pictures pictures) {
        return byAxes && !pictures.isEmpty();
    }

    @Override
    public void close() {
        tables.forEach(RotaryTable::close);
    }
}
