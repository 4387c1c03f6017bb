package dev.tunesmith.engine.adapter;

import dev.tunesmith.engine.adapter.factor.Split;
import dev.tunesmith.engine.adapter.kind.LoraConfig;
import dev.tunesmith.engine.adapter.site.FileTensor;
import dev.tunesmith.engine.io.SafetensorsWriter;
import dev.tunesmith.engine.io.WeightFiles;
import dev.tunesmith.engine.model.Decoder;
import dev.tunesmith.engine.nn.Linear;
import dev.tunesmith.engine.nn.Parameter;
import dev.tunesmith.engine.nn.change.Change;
import dev.tunesmith.engine.nn.change.LowRank;
import dev.tunesmith.engine.tensor.Region;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/// Starts the factors of a new LoRA with parts of the weights that it stands beside, and makes the
/// trained one an adapter of the untouched weights again.
///
/// What follows from the weights alone is the same in every attempt, so a run can go on from a
/// checkpoint of its factors.
public final class SplitWeights implements AutoCloseable {

    private static final String A = ".lora_A.weight";
    private static final String B = ".lora_B.weight";

    private final Region region = Region.lasting("rests of weights");
    private final Map<String, Split> starts = new HashMap<>();
    private final List<Runnable> undo = new ArrayList<>();

    /// What the factors begin with.
    public enum Way {
        /// The largest singular components (PiSSA).
        PRINCIPAL,
        /// An orthogonal decomposition (OLoRA).
        ORTHOGONAL
    }

    private SplitWeights() {}

    /// Gives the factors of an adapter that was just attached their part of every weight, and
    /// leaves the rest in the weight's place. Needs memory for these rests.
    public static SplitWeights of(Decoder decoder, Way way) {
        SplitWeights weights = new SplitWeights();
        for (Linear linear : decoder.linears()) {
            addition(linear).ifPresent(factors -> weights.split(linear, factors, way));
        }
        return weights;
    }

    /// Gives the factors of an adapter of quantised weights what quantisation has lost (LoftQ in
    /// one turn). The codes stay.
    ///
    /// @param exact files of the weights before they were quantised
    public static void ofRounding(Decoder decoder, WeightFiles exact) {
        for (Linear linear : decoder.linears()) {
            addition(linear)
                    .ifPresent(factors -> {
                        float[] coarse = linear.weight().values();
                        Split split =
                                Split.ofRounding(
                                        exact.floats(linear.name() + ".weight"),
                                        Math.toIntExact(linear.weight().outputs()),
                                        rank(factors),
                                        factors.scale(),
                                        1,
                                        _ -> coarse);
                        assign(factors, split);
                    });
        }
    }

    private static Optional<LowRank> addition(Linear linear) {
        return linear.change().map(Change::addition);
    }

    private static int rank(LowRank factors) {
        return Math.toIntExact(factors.a_RI().value().size(0));
    }

    private static void assign(LowRank factors, Split split) {
        factors.a_RI().assign(split.a_RI());
        factors.b_OR().assign(split.b_OR());
    }

    private void split(Linear linear, LowRank factors, Way way) {
        float[] weight_OI = linear.weight().values();
        int outputs = Math.toIntExact(linear.weight().outputs());
        int rank = rank(factors);
        Split split =
                switch (way) {
                    case PRINCIPAL -> Split.principal(weight_OI, outputs, rank, factors.scale());
                    case ORTHOGONAL -> Split.orthogonal(weight_OI, outputs, rank, factors.scale());
                };
        assign(factors, split);
        Parameter whole = linear.weight().parameter().orElseThrow();
        float[] rest = linear.weight().stored(split.rest_OI());
        Parameter own =
                new Parameter(
                        whole.name(), region.tensor(whole.value().type(), whole.value().shape()));
        own.assign(rest);
        linear.useWeight(own);
        undo.add(() -> linear.useWeight(whole));
        String name = factors.a_RI().name();
        starts.put(name.substring(0, name.length() - A.length()), split);
    }

    /// Writes the trained factors as a LoRA of twice the rank beside the untouched weights: `B·A −
    /// B₀·A₀`.
    ///
    /// @param target makes the file of the weights
    public void save(
            Adapter adapter, LoraConfig config, Path folder, SafetensorsWriter.Target target)
            throws IOException {
        Map<String, FileTensor> tensors = new TreeMap<>();
        adapter.tensors().forEach((name, tensor) -> tensors.put(name, doubled(name, tensor)));
        LoraConfig twice =
                LoraConfig.of(config.scope(), doubled(config.ranks()), config.dropout(), false);
        PeftFolder.write(folder, twice.toTree(), tensors, target);
    }

    /// Twice the rank everywhere, at the same scale.
    private static LoraConfig.Ranks doubled(LoraConfig.Ranks ranks) {
        double factor = ranks.rootScale() ? Math.sqrt(2) : 2;
        Map<String, Integer> rankOf = new TreeMap<>();
        ranks.rankOf().forEach((key, rank) -> rankOf.put(key, 2 * rank));
        Map<String, Double> alphaOf = new TreeMap<>();
        ranks.alphaOf().forEach((key, alpha) -> alphaOf.put(key, factor * alpha));
        return new LoraConfig.Ranks(
                2 * ranks.rank(), factor * ranks.alpha(), rankOf, alphaOf, ranks.rootScale());
    }

    private FileTensor doubled(String name, FileTensor tensor) {
        boolean rows = name.endsWith(A);
        Split start = starts.get(name.substring(0, name.length() - (rows ? A : B).length()));
        if (start == null) {
            return tensor;
        }
        float[] now = tensor.values();
        float[] before = rows ? start.a_RI() : start.b_OR();
        int rank = Math.toIntExact(tensor.shape().get(rows ? 0 : 1));
        int other = now.length / rank;
        float[] both = new float[2 * now.length];
        if (rows) {
            System.arraycopy(now, 0, both, 0, now.length);
            System.arraycopy(before, 0, both, now.length, now.length);
            return FileTensor.of(both, 2L * rank, other);
        }
        for (int o = 0; o < other; o++) {
            for (int r = 0; r < rank; r++) {
                both[o * 2 * rank + r] = now[o * rank + r];
                both[o * 2 * rank + rank + r] = -before[o * rank + r];
            }
        }
        return FileTensor.of(both, other, 2L * rank);
    }

    /// Puts the untouched weights back.
    @Override
    public void close() {
        undo.forEach(Runnable::run);
        region.close();
    }
}
