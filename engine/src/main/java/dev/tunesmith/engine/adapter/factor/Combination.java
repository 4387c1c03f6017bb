package dev.tunesmith.engine.adapter.factor;

import dev.tunesmith.engine.ops.Singular;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.SplittableRandom;

/// How several LoRA adapters become one of scale 1 (PEFT's `add_weighted_adapter`).
///
/// @param density share of the values that pruning leaves
/// @param rank rank of the result where products are decomposed, 0 for the largest of the parts
/// @param clamp quantile to which the factors of a decomposition are cut, or 1 for none
/// @param seed of what is pruned at random
public record Combination(
        Way way, double density, MajoritySign sign, int rank, double clamp, long seed) {

    /// What is done with the values.
    public enum Way {
        /// Rank components side by side: the exact sum, of a larger rank.
        CAT,
        /// Factors are added, so products of different adapters appear.
        LINEAR,
        /// Products are added and decomposed again.
        SVD,
        TIES,
        TIES_SVD,
        DARE_LINEAR,
        DARE_LINEAR_SVD,
        DARE_TIES,
        DARE_TIES_SVD,
        MAGNITUDE_PRUNE,
        MAGNITUDE_PRUNE_SVD;

        /// The way of that name, as PEFT writes it.
        public static Optional<Way> named(String name) {
            return Arrays.stream(values()).filter(way -> way.wire().equals(name)).findFirst();
        }

        /// The name in PEFT.
        public String wire() {
            return name().toLowerCase(Locale.ROOT);
        }

        /// Whether products are joined and not factors.
        public boolean decomposes() {
            return name().endsWith("SVD");
        }

        private boolean random() {
            return name().startsWith("DARE");
        }

        private boolean elects() {
            return name().contains("TIES");
        }

        private boolean prunes() {
            return random() || elects() || name().startsWith("MAGNITUDE");
        }
    }

    /// Which sign a value of several adapters gets: that of their sum, or of most of them.
    public enum MajoritySign {
        TOTAL,
        FREQUENCY
    }

    /// One adapter's factors of a module.
    ///
    /// @param scale factor of their product
    // Arrays: never compared.
    @SuppressWarnings("ArrayRecordComponent")
    public record Part(float[] a_RI, float[] b_OR, int rank, double scale, double weight) {
        private Factors factors() {
            return new Factors(a_RI, b_OR, rank);
        }

        private double weighted() {
            return scale * weight;
        }
    }

    /// The joined factors of a module.
    // Arrays: never compared.
    @SuppressWarnings("ArrayRecordComponent")
    public record Joined(float[] a_RI, float[] b_OR, int rank) {
        /// Their product.
        public float[] product() {
            return new Factors(a_RI, b_OR, rank).product(1);
        }
    }

    /// Ranks of the result, the same for all modules.
    ///
    /// @param ranks of the parts
    public int rank(List<Integer> ranks) {
        int largest = ranks.stream().mapToInt(Integer::intValue).max().orElse(0);
        if (way == Way.CAT) {
            return ranks.stream().mapToInt(Integer::intValue).sum();
        }
        return way.decomposes() && rank > 0 ? rank : largest;
    }

    /// Joins the factors of one module.
    ///
    /// @throws IllegalArgumentException if factors of different ranks would have to be added
    public Joined join(List<Part> parts, int newRank) {
        if (way == Way.CAT) {
            return cat(parts, newRank);
        }
        return way.decomposes() ? decomposed(parts, newRank) : added(parts);
    }

    private static Joined cat(List<Part> parts, int newRank) {
        int inputs = parts.getFirst().factors().inputs();
        int outputs = parts.getFirst().factors().outputs();
        float[] a_RI = new float[newRank * inputs];
        float[] b_OR = new float[outputs * newRank];
        int from = 0;
        for (Part part : parts) {
            for (int i = 0; i < part.a_RI.length; i++) {
                a_RI[from * inputs + i] = (float) (part.a_RI[i] * part.weighted());
            }
            for (int o = 0; o < outputs; o++) {
                System.arraycopy(part.b_OR, o * part.rank, b_OR, o * newRank + from, part.rank);
            }
            from += part.rank;
        }
        return new Joined(a_RI, b_OR, newRank);
    }

    private Joined decomposed(List<Part> parts, int newRank) {
        List<float[]> products =
                parts.stream().map(part -> part.factors().product(part.scale)).toList();
        double[] weights = parts.stream().mapToDouble(Part::weight).toArray();
        int outputs = parts.getFirst().factors().outputs();
        Singular svd = Singular.of(mixed(products, weights), outputs);
        int inputs = svd.v_KN().length / svd.s_K().length;
        int all = svd.s_K().length;
        float[] a_RI = new float[newRank * inputs];
        float[] b_OR = new float[outputs * newRank];
        for (int r = 0; r < Math.min(newRank, all); r++) {
            System.arraycopy(svd.v_KN(), r * inputs, a_RI, r * inputs, inputs);
            for (int o = 0; o < outputs; o++) {
                b_OR[o * newRank + r] = svd.u_MK()[o * all + r] * svd.s_K()[r];
            }
        }
        if (clamp < 1) {
            float bound = quantile(a_RI, b_OR);
            cut(a_RI, bound);
            cut(b_OR, bound);
        }
        return new Joined(a_RI, b_OR, newRank);
    }

    private float quantile(float[] first, float[] second) {
        float[] all = Arrays.copyOf(first, first.length + second.length);
        System.arraycopy(second, 0, all, first.length, second.length);
        Arrays.sort(all);
        double place = clamp * (all.length - 1);
        int below = (int) place;
        float low = all[below];
        float high = all[Math.min(below + 1, all.length - 1)];
        return (float) (low + (place - below) * (high - low));
    }

    private static void cut(float[] values, float bound) {
        for (int i = 0; i < values.length; i++) {
            values[i] = Math.max(-bound, Math.min(bound, values[i]));
        }
    }

    /// The root of the weight goes into both factors; its sign into one.
    private Joined added(List<Part> parts) {
        int common = parts.getFirst().rank;
        if (parts.stream().anyMatch(part -> part.rank != common)) {
            throw new IllegalArgumentException(
                    "%s joins only adapters of one rank".formatted(way.wire()));
        }
        double[] roots =
                parts.stream().mapToDouble(p -> Math.sqrt(Math.abs(p.weighted()))).toArray();
        double[] signed = roots.clone();
        for (int i = 0; i < signed.length; i++) {
            signed[i] *= parts.get(i).weighted() >= 0 ? 1 : -1;
        }
        return new Joined(
                mixed(parts.stream().map(Part::a_RI).toList(), signed),
                mixed(parts.stream().map(Part::b_OR).toList(), roots),
                common);
    }

    private float[] mixed(List<float[]> tensors, double[] weights) {
        List<float[]> pruned = new ArrayList<>();
        SplittableRandom random = new SplittableRandom(seed);
        for (float[] tensor : tensors) {
            pruned.add(!way.prunes() ? tensor : pruned(tensor, random.split()));
        }
        float[] sum = new float[tensors.getFirst().length];
        for (int i = 0; i < sum.length; i++) {
            sum[i] = way.elects() ? elected(pruned, weights, i) : total(pruned, weights, i);
        }
        return sum;
    }

    private static float total(List<float[]> tensors, double[] weights, int at) {
        float sum = 0;
        for (int t = 0; t < weights.length; t++) {
            sum += tensors.get(t)[at] * (float) weights[t];
        }
        return sum;
    }

    /// The mean of those values that have the sign of the majority.
    private float elected(List<float[]> tensors, double[] weights, int at) {
        double votes = 0;
        for (float[] tensor : tensors) {
            votes += sign == MajoritySign.TOTAL ? tensor[at] : Math.signum(tensor[at]);
        }
        float majority = votes >= 0 ? 1 : -1;
        float sum = 0;
        int agreeing = 0;
        for (int t = 0; t < weights.length; t++) {
            if (Math.signum(tensors.get(t)[at]) == majority) {
                sum += tensors.get(t)[at] * (float) weights[t];
                agreeing++;
            }
        }
        return sum / Math.max(1, agreeing);
    }

    private float[] pruned(float[] values, SplittableRandom random) {
        if (density >= 1) {
            return values;
        }
        float[] result = new float[values.length];
        if (way.random()) {
            for (int i = 0; i < values.length; i++) {
                result[i] = random.nextDouble() < density ? (float) (values[i] / density) : 0;
            }
            return result;
        }
        Integer[] order = new Integer[values.length];
        Arrays.setAll(order, i -> i);
        Arrays.sort(order, (i, j) -> Float.compare(Math.abs(values[j]), Math.abs(values[i])));
        for (int k = 0; k < (int) (density * values.length); k++) {
            result[order[k]] = values[order[k]];
        }
        return result;
    }
}
