package dev.tunesmith.engine.adapter.kind;

import dev.tunesmith.engine.adapter.site.Scope;
import dev.tunesmith.engine.adapter.site.Site;
import dev.tunesmith.engine.adapter.site.Slot;
import dev.tunesmith.engine.adapter.site.Start;
import dev.tunesmith.engine.nn.change.Cayley;
import dev.tunesmith.engine.nn.change.Change;
import dev.tunesmith.engine.nn.change.OutputScale;
import dev.tunesmith.engine.nn.change.Rotation;
import java.util.Map;

/// BOFT: the input of a layer goes through several rotations in blocks of permuted columns, and its
/// product gets a factor for every output.
///
/// @param size rows of a block, or 0 if their number is given
/// @param count blocks of a layer, or 0 if their size is given
/// @param factors rotations; PEFT without its CUDA extension makes one whatever it is told, so a
///   file counts more than this
public record BoftConfig(Scope scope, int size, int count, int factors) implements AdapterConfig {

    static BoftConfig read(Settings settings) {
        BoftConfig config =
                new BoftConfig(
                        settings.scope("boft"),
                        settings.integer("boft_block_size", 4, 0),
                        settings.integer("boft_block_num", 0, 0),
                        settings.integer("boft_n_butterfly_factor", 1, 1));
        if ((config.count == 0) == (config.size == 0)) {
            settings.fault("one of boft_block_size and boft_block_num must be 0 and the other not");
        }
        settings.finish();
        return config;
    }

    @Override
    public String peftType() {
        return "BOFT";
    }

    @Override
    public void attach(Site site) {
        Site.require(site.linears(scope, ".boft_R", this::change), scope);
        SavedModules.attach(site, scope);
    }

    private Change change(Slot slot) {
        int inputs = (int) slot.inputs();
        int rows = size == 0 ? inputs / count : size;
        if (inputs % rows != 0) {
            throw Site.refused(
                    "%s has %d inputs, which blocks of %d do not divide"
                            .formatted(slot.linear().name(), inputs, rows));
        }
        int blocks = inputs / rows;
        int stages = slot.shape(".boft_R").map(shape -> (int) shape[0]).orElse(factors);
        if (stages > 1 && (rows % 2 != 0 || blocks % (1 << (stages - 1)) != 0)) {
            throw Site.refused(
                    "%s has %d blocks of %d, too odd for %d butterfly factors"
                            .formatted(slot.linear().name(), blocks, rows, stages));
        }
        int[][] columns_SI = new int[stages][];
        for (int stage = 0; stage < stages; stage++) {
            columns_SI[stage] = columns(inputs, blocks >> stage, rows / 2, stages == 1);
        }
        return new Change(
                new Rotation(
                        slot.vector(".boft_R", Start.zeros(), stages, blocks, rows, rows),
                        new Rotation.Butterflies(rows, blocks, columns_SI),
                        new Cayley.Exact()),
                null,
                new OutputScale(
                        slot.vector(".boft_s", Start.ones(), slot.outputs(), 1),
                        OutputScale.Place.BEFORE_BIAS,
                        null));
    }

    /// The block butterfly permutation of PEFT: inside each of `groups` groups, runs of `run`
    /// columns are sorted into even and odd ones.
    private static int[] columns(int inputs, int groups, int run, boolean identity) {
        int[] columns = new int[inputs];
        int width = inputs / groups;
        int runs = identity ? 0 : width / run;
        for (int i = 0; i < inputs; i++) {
            columns[i] = i;
        }
        for (int from = 0; from < inputs && !identity; from += width) {
            int at = 0;
            for (int parity = 0; parity < 2; parity++) {
                for (int place = parity; place < runs; place += 2, at++) {
                    for (int i = 0; i < run; i++) {
                        columns[from + at * run + i] = from + place * run + i;
                    }
                }
            }
        }
        return columns;
    }

    @Override
    public void write(Map<String, Object> tree) {
        tree.put("boft_block_size", size);
        tree.put("boft_block_num", count);
        tree.put("boft_n_butterfly_factor", factors);
        tree.put("boft_dropout", 0.0);
        tree.put("bias", scope.bias().wire("boft"));
        tree.put("init_weights", true);
    }

    @Override
    public BoftConfig withoutDropout() {
        return this;
    }
}
