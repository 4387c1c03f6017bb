package dev.tunesmith.engine.nn;

import dev.tunesmith.engine.ops.Elementwise;
import dev.tunesmith.engine.tape.Tape;
import dev.tunesmith.engine.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Query, key and value through narrow latent rows (multi-head latent attention, arXiv 2405.04434).
///
/// Of every head, the dimensions that turn come first; keys have those in common. Heads are padded
/// with zeros where values and keys differ in width.
///
/// @param queryDown what makes latent rows for queries; null if queries come from the input
public record LatentBranches(
        @Nullable Linear queryDown,
        @Nullable Norm queryNorm,
        Linear queryUp,
        Linear keyDown,
        Norm keyNorm,
        Linear keyUp,
        AttentionShape shape)
        implements Branches {

    /// Some columns of a tensor, and where they go.
    private record Piece(Tensor from, int first, int width, int to) {}

    @Override
    public List<Tensor> forward(Tape tape, Tensor x_NI) {
        AttentionShape.Latent latent = shape.latentOrThrow();
        Tensor q_NC = queries(tape, x_NI);
        Tensor down_NC = keyDown.forward(tape, x_NI);
        Tensor narrow_NR =
                assembled(
                        tape,
                        latent.keyRank(),
                        List.of(new Piece(down_NC, 0, latent.keyRank(), 0)));
        Tensor up_NC = keyUp.forward(tape, keyNorm.forward(tape, narrow_NR));
        List<Piece> query = new ArrayList<>();
        List<Piece> key = new ArrayList<>();
        List<Piece> value = new ArrayList<>();
        int plain = latent.plain();
        int turning = latent.turning();
        for (int h = 0; h < shape.heads(); h++) {
            int to = h * shape.headWidth();
            int q = h * (plain + turning);
            query.add(new Piece(q_NC, q + plain, turning, to));
            query.add(new Piece(q_NC, q, plain, to + turning));
            int kv = h * (plain + latent.value());
            key.add(new Piece(down_NC, latent.keyRank(), turning, to));
            key.add(new Piece(up_NC, kv, plain, to + turning));
            value.add(new Piece(up_NC, kv + plain, latent.value(), to));
        }
        int width = shape.queryWidth();
        return List.of(
                assembled(tape, width, query),
                assembled(tape, width, key),
                assembled(tape, width, value));
    }

    private Tensor queries(Tape tape, Tensor x_NI) {
        if (queryDown == null || queryNorm == null) {
            return queryUp.forward(tape, x_NI);
        }
        return queryUp.forward(tape, queryNorm.forward(tape, queryDown.forward(tape, x_NI)));
    }

    private static Tensor assembled(Tape tape, int width, List<Piece> pieces) {
        Tensor like = pieces.getFirst().from;
        Tensor y_NC = tape.region().zeros(like.type(), like.rows(), width);
        boolean tracked = false;
        for (Piece piece : pieces) {
            y_NC.columnRange(piece.to, piece.to + piece.width)
                    .copyFrom(piece.from.columnRange(piece.first, piece.first + piece.width));
            tracked |= tape.tracks(piece.from);
        }
        if (tracked) {
            tape.record(y_NC, dy_NC -> pieces.forEach(piece -> collect(tape, piece, dy_NC)));
        }
        return y_NC;
    }

    private static void collect(Tape tape, Piece piece, Tensor dy_NC) {
        if (!tape.tracks(piece.from)) {
            return;
        }
        Tape.Sink sink = tape.sink(piece.from);
        if (sink.empty()) {
            sink.into().clear();
        }
        Tensor place = sink.into().columnRange(piece.first, piece.first + piece.width);
        Tensor sum = tape.tensor(dy_NC.type(), dy_NC.rows(), piece.width);
        Tensor part = tape.tensor(dy_NC.type(), dy_NC.rows(), piece.width);
        sum.copyFrom(place);
        part.copyFrom(dy_NC.columnRange(piece.to, piece.to + piece.width));
        Elementwise.add(sum, sum, part);
        place.copyFrom(sum);
    }

    @Override
    public List<Linear> linears() {
        List<Linear> linears = new ArrayList<>();
        if (queryDown != null) {
            linears.add(queryDown);
        }
        linears.addAll(List.of(queryUp, keyDown, keyUp));
        return linears;
    }

    @Override
    public Branches share() {
        return new LatentBranches(
                queryDown == null ? null : queryDown.share(),
                queryNorm,
                queryUp.share(),
                keyDown.share(),
                keyNorm,
                keyUp.share(),
                shape);
    }
}
