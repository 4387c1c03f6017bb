package dev.tunesmith.engine.model.entry;

import dev.tunesmith.engine.data.TokenBatch;
import dev.tunesmith.engine.nn.Context;
import dev.tunesmith.engine.nn.EmbeddingNoise;
import dev.tunesmith.engine.nn.prompt.Prefix;
import dev.tunesmith.engine.nn.prompt.VirtualRows;
import dev.tunesmith.engine.nn.prompt.VirtualTokens;
import dev.tunesmith.engine.ops.DocumentAttention;
import dev.tunesmith.engine.tape.Tape;
import dev.tunesmith.engine.tensor.Region;
import dev.tunesmith.engine.tensor.Tensor;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/// How whole documents enter a model: training and scoring.
public record WholeEntrance(Entrance entrance) {

    /// The input of the first block, and what all blocks see.
    public Entrance.Entered enter(Tape tape, TokenBatch batch, EmbeddingNoise noise) {
        Tensor looked_ND = entrance.entry().looked(tape, batch.ids_N(), batch.pictures());
        noise.addTo(tape, looked_ND, batch.cuSeqlens_D1());
        VirtualTokens learned = entrance.learned();
        if (learned == null) {
            Places places = Places.of(batch, 0);
            return new Entrance.Entered(
                    entrance.placed(tape, looked_ND, places),
                    context(tape.region(), batch, places, null),
                    null);
        }
        Entrance.requireText(batch.pictures());
        return behind(tape, batch, looked_ND, learned);
    }

    private Entrance.Entered behind(
            Tape tape, TokenBatch batch, Tensor looked_ND, VirtualTokens learned) {
        Region region = tape.region();
        int[] counts_D = new int[batch.documents()];
        Arrays.fill(counts_D, learned.count());
        VirtualRows rows = VirtualRows.before(counts_D, batch.cuSeqlens_D1(), region);
        Places text = Places.of(batch, learned.count());
        return switch (learned) {
            case VirtualTokens.Inputs inputs -> {
                Places all = text.among(rows);
                Tensor x_MD = entrance.inserted(tape, looked_ND, inputs, rows);
                var context =
                        new Context.Whole(
                                Entrance.documents(rows, region),
                                entrance.angles().ofText(all, region));
                yield new Entrance.Entered(entrance.placed(tape, x_MD, all), context, rows);
            }
            case VirtualTokens.KeysAndValues keys -> {
                Prefix prefix = Entrance.prefix(tape, keys, rows);
                Tensor x_ND = entrance.placed(tape, looked_ND, text);
                yield new Entrance.Entered(
                        prefix.behind(tape, x_ND), context(region, batch, text, prefix), null);
            }
        };
    }

    private Context context(
            Region region, TokenBatch batch, Places places, @Nullable Prefix prefix) {
        return new Context.Whole(
                new DocumentAttention.Documents(
                        region.ints(batch.cuSeqlens_D1()), batch.longestDocument()),
                entrance.angles().of(batch.ids_N(), batch.pictures(), places, region),
                prefix);
    }
}
