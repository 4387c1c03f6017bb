package dev.tunesmith.engine.model.entry;

import dev.tunesmith.engine.nn.Context;
import dev.tunesmith.engine.nn.prompt.VirtualRows;
import dev.tunesmith.engine.nn.prompt.VirtualTokens;
import dev.tunesmith.engine.tape.Tape;
import dev.tunesmith.engine.tensor.Region;
import dev.tunesmith.engine.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;

/// How new tokens of cached sequences enter a model: decoding.
public record CachedEntrance(Entrance entrance, KvCache cache) {

    /// The input of the first block, and what all blocks see. A new sequence brings the virtual
    /// tokens along.
    public Entrance.Entered enter(Tape tape, CachedBatch batch) {
        Tensor looked_ND = entrance.entry().looked(tape, batch.ids_N(), batch.pictures());
        VirtualTokens learned = entrance.learned();
        if (learned == null) {
            CachedPlaces all = CachedPlaces.of(cache, batch.sequences());
            return new Entrance.Entered(
                    entrance.placed(tape, looked_ND, all.tokens()),
                    turned(all.context(cache, all, null, tape.region()), batch, all, tape.region()),
                    null);
        }
        Entrance.requireText(batch.pictures());
        return behind(tape, batch, looked_ND, learned);
    }

    private Entrance.Entered behind(
            Tape tape, CachedBatch batch, Tensor looked_ND, VirtualTokens learned) {
        Region region = tape.region();
        int sequences = batch.sequences().size();
        int[] counts_S = new int[sequences];
        int[] cuText_S1 = new int[sequences + 1];
        List<CachedBatch.Sequence> grown = new ArrayList<>();
        for (int s = 0; s < sequences; s++) {
            CachedBatch.Sequence text = batch.sequences().get(s);
            counts_S[s] = text.cached() == 0 ? learned.count() : 0;
            cuText_S1[s + 1] = cuText_S1[s] + text.fresh();
            grown.add(
                    new CachedBatch.Sequence(
                            text.cached() == 0 ? 0 : text.cached() + learned.count(),
                            text.fresh() + counts_S[s],
                            text.pages()));
        }
        CachedPlaces all = CachedPlaces.of(cache, grown);
        VirtualRows rows = VirtualRows.before(counts_S, cuText_S1, region);
        return switch (learned) {
            case VirtualTokens.Inputs inputs -> {
                Tensor x_MD = entrance.inserted(tape, looked_ND, inputs, rows);
                Context.Cached context = all.context(cache, all, null, region);
                yield new Entrance.Entered(
                        entrance.placed(tape, x_MD, all.tokens()),
                        turned(context, batch, all, region),
                        rows);
            }
            case VirtualTokens.KeysAndValues keys -> {
                CachedPlaces text = all.without(counts_S);
                Context.Cached context =
                        text.context(cache, all, Entrance.prefix(tape, keys, rows), region);
                yield new Entrance.Entered(
                        entrance.placed(tape, looked_ND, text.tokens()),
                        turned(context, batch, text, region),
                        null);
            }
        };
    }

    private Context turned(
            Context.Cached context, CachedBatch batch, CachedPlaces places, Region region) {
        return context.with(
                entrance.angles().of(batch.ids_N(), batch.pictures(), places.tokens(), region));
    }
}
