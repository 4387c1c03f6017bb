package dev.tunesmith.engine.adapter.kind;

import dev.tunesmith.engine.adapter.site.Scope;
import dev.tunesmith.engine.adapter.site.Site;
import dev.tunesmith.engine.adapter.site.Slot;
import dev.tunesmith.engine.adapter.site.Start;
import dev.tunesmith.engine.nn.change.Cayley;
import dev.tunesmith.engine.nn.change.Change;
import dev.tunesmith.engine.nn.change.Rotation;
import java.util.Map;

/// OFT: the input of a layer is rotated in blocks.
///
/// @param count blocks of a layer, or 0 if their size is given
/// @param size rows of a block, or 0 if their number is given
/// @param shared whether all blocks of a layer are one
/// @param radius largest norm of the angles of a layer (constrained OFT), or 0
public record OftConfig(
        Scope scope, int count, int size, boolean shared, double radius, Cayley cayley)
        implements AdapterConfig {

    static final int SIZE_DEFAULT = 32;
    static final int TERMS_DEFAULT = 5;

    static OftConfig read(Settings settings) {
        Scope scope = settings.scope("oft");
        int terms = settings.integer("num_cayley_neumann_terms", TERMS_DEFAULT, 1);
        OftConfig config =
                new OftConfig(
                        scope,
                        settings.integer("r", 0, 0),
                        settings.integer("oft_block_size", SIZE_DEFAULT, 0),
                        settings.flag("block_share"),
                        settings.flag("coft") ? settings.number("eps", 6e-5) : 0,
                        settings.flag("use_cayley_neumann", true)
                                ? new Cayley.Series(terms)
                                : new Cayley.Exact());
        if ((config.count == 0) == (config.size == 0)) {
            settings.fault("one of r and oft_block_size must be 0 and the other not");
        }
        settings.finish();
        return config;
    }

    /// A new one with blocks of a size.
    public static OftConfig of(Scope scope, int size, Cayley cayley) {
        return new OftConfig(scope, 0, size, false, 0, cayley);
    }

    @Override
    public String peftType() {
        return "OFT";
    }

    @Override
    public void attach(Site site) {
        Site.require(site.linears(scope, ".oft_R.weight", this::change), scope);
        SavedModules.attach(site, scope);
    }

    private Change change(Slot slot) {
        int inputs = (int) slot.inputs();
        int rows = size == 0 ? inputs / fitting(inputs, count) : fitting(inputs, size);
        int blocks = shared ? 1 : inputs / rows;
        return Change.of(
                new Rotation(
                        slot.vector(
                                ".oft_R.weight",
                                Start.zeros(),
                                blocks,
                                (long) rows * (rows - 1) / 2),
                        new Rotation.Triangles(rows, blocks, radius),
                        cayley));
    }

    /// The divisor of `inputs` that is next to what was asked for, the smaller one of two.
    static int fitting(int inputs, int asked) {
        if (asked >= inputs) {
            return inputs;
        }
        int above = asked;
        while (inputs % above != 0) {
            above++;
        }
        int below = asked;
        while (inputs % below != 0) {
            below--;
        }
        return asked - below <= above - asked ? below : above;
    }

    @Override
    public void write(Map<String, Object> tree) {
        tree.put("r", count);
        tree.put("oft_block_size", size);
        tree.put("block_share", shared);
        tree.put("coft", radius > 0);
        if (radius > 0) {
            tree.put("eps", radius);
        }
        tree.put("bias", scope.bias().wire("oft"));
        tree.put("module_dropout", 0.0);
        tree.put("init_weights", true);
        tree.put("use_cayley_neumann", cayley instanceof Cayley.Series);
        if (cayley instanceof Cayley.Series series) {
            tree.put("num_cayley_neumann_terms", series.terms());
        }
    }

    @Override
    public OftConfig withoutDropout() {
        return this;
    }
}
