package dev.tunesmith.engine.model.entry;

import dev.tunesmith.engine.data.Pictures;
import dev.tunesmith.engine.nn.Embedding;
import dev.tunesmith.engine.nn.Norm;
import dev.tunesmith.engine.nn.Parameter;
import dev.tunesmith.engine.nn.position.PositionTable;
import dev.tunesmith.engine.tape.RowMoves;
import dev.tunesmith.engine.tape.Tape;
import dev.tunesmith.engine.tensor.Region;
import dev.tunesmith.engine.tensor.Tensor;
import dev.tunesmith.engine.vision.GridPositions;
import dev.tunesmith.engine.vision.Tower;
import java.util.Optional;
import java.util.function.UnaryOperator;

/// What turns tokens and pictures into the input of the first block.
///
/// @param imageToken stands for one row of a picture
public record Entry(
        Embedding embedding,
        Optional<Norm> norm,
        Optional<PositionTable> positions,
        Optional<Tower> tower,
        int imageToken) {
    /// Another view of the same tables.
    public Entry share() {
        return new Entry(
                embedding.share(),
                norm,
                positions.map(table -> new PositionTable(table.table().share())),
                tower.map(Tower::share),
                imageToken);
    }

    /// The same with other parameters in its norm.
    public Entry with(UnaryOperator<Parameter> change) {
        return new Entry(
                embedding, norm.map(own -> own.with(change)), positions, tower, imageToken);
    }

    /// Rows of pictures in place of the embeddings of their placeholders.
    Tensor looked(Tape tape, int[] ids_N, Pictures pictures) {
        Tensor looked_ND = embedding.forward(tape, tape.region().ints(ids_N));
        if (pictures.isEmpty()) {
            return looked_ND;
        }
        Tower eyes =
                tower.orElseThrow(
                        () -> new IllegalArgumentException("this model does not see pictures"));
        int[] places = GridPositions.places(ids_N, imageToken);
        int rows = pictures.grids().stream().mapToInt(eyes::rows).sum();
        if (rows != places.length) {
            throw new IllegalArgumentException(
                    "pictures of %d rows for %d placeholders".formatted(rows, places.length));
        }
        return RowMoves.place(tape, looked_ND, eyes.forward(tape, pictures), places);
    }

    /// Looked-up rows as the first block takes them.
    Tensor place(Tape tape, Tensor looked_ND, int[] positions_N) {
        Region region = tape.region();
        Tensor x_ND = norm.isEmpty() ? looked_ND : norm.get().forward(tape, looked_ND);
        return positions.isEmpty()
                ? x_ND
                : positions.get().addTo(tape, x_ND, region.ints(positions_N));
    }
}
