package dev.tunesmith.engine.nn;

import dev.tunesmith.engine.ops.Lookup;
import dev.tunesmith.engine.tape.Tape;
import dev.tunesmith.engine.tensor.DType;
import dev.tunesmith.engine.tensor.Region;
import dev.tunesmith.engine.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// A mixture of experts: a router chooses a few MLPs for every token, whose outputs are added with
/// the router's probabilities (Mixtral, arXiv 2401.04088).
///
/// @param router one output for each expert
public record MixtureMlp(Linear router, List<GatedMlp> experts, Choice choice) implements Mlp {

    /// How the experts of a token follow from the router's scores.
    ///
    /// @param count experts of a token
    /// @param normalised whether the probabilities of a token's experts are scaled to sum 1
    /// @param factor what the weights are multiplied by in the end
    /// @param groups how experts are limited to groups
    /// @param sigmoid whether every expert has a probability of its own instead of a softmax
    /// @param corrected whether something is added to probabilities only to choose
    public record Scoring(
            int count,
            boolean normalised,
            double factor,
            Groups groups,
            boolean sigmoid,
            boolean corrected) {
        /// Probabilities of their own are corrected, those of a softmax are not.
        public Scoring(
                int count, boolean normalised, double factor, Groups groups, boolean sigmoid) {
            this(count, normalised, factor, groups, sigmoid, sigmoid);
        }

        /// The largest probabilities of a softmax.
        public static Scoring softmax(int count, boolean normalised) {
            return new Scoring(count, normalised, 1, Groups.NONE, false);
        }
    }

    /// Experts of a token come from its best groups only.
    ///
    /// @param chosen groups of a token
    /// @param deciding how many of a group's best experts are added up to compare it
    public record Groups(int count, int chosen, int deciding) {
        /// All experts are one group.
        public static final Groups NONE = new Groups(1, 1, 1);
    }

    /// How experts are chosen in one layer.
    ///
    /// @param layer number of the layer
    /// @param routing notes what was chosen
    /// @param correction_E added to probabilities only to choose, not to weigh; null for nothing
    public record Choice(
            int layer, Scoring scoring, Routing routing, @Nullable Parameter correction_E) {}

    /// The rows of one expert: which tokens, and at which place among their chosen experts.
    private record Share(
            List<Integer> tokens, List<Integer> places, Tensor tokens_M, Tensor y_MD) {}

    public MixtureMlp {
        experts = List.copyOf(experts);
    }

    @Override
    public Tensor forward(Tape tape, Tensor x_ND) {
        Tensor logits_NE = router.forward(tape, x_ND);
        var selection = new ExpertChoice(logits_NE, choice.scoring, correction());
        choice.routing.observe(
                choice.layer,
                (int) x_ND.rows(),
                selection.chosen_E(),
                selection.probabilitySums_E());
        Tensor out_ND = tape.tensor(x_ND.type(), x_ND.shape());
        float[] sum_ND = new float[(int) x_ND.elements()];
        List<Share> shares = new ArrayList<>();
        for (int e = 0; e < experts.size(); e++) {
            List<Integer> tokens = selection.tokens(e);
            if (tokens.isEmpty()) {
                continue;
            }
            Tensor tokens_M = integers(tape.region(), tokens);
            Tensor y_MD = experts.get(e).forward(tape, rows(tape, x_ND, tokens_M));
            Share share = new Share(tokens, selection.places(e), tokens_M, y_MD);
            shares.add(share);
            add(sum_ND, share, selection);
        }
        out_ND.set(sum_ND);
        if (tape.tracks(logits_NE) || shares.stream().anyMatch(s -> tape.tracks(s.y_MD))) {
            tape.record(out_ND, dOut -> backward(tape, logits_NE, selection, shares, dOut));
        }
        return out_ND;
    }

    private float[] correction() {
        Parameter correction = choice.correction_E;
        return correction == null ? new float[experts.size()] : correction.best();
    }

    private static Tensor integers(Region region, List<Integer> values) {
        return region.ints(values.stream().mapToInt(Integer::intValue).toArray());
    }

    /// The rows of an expert's tokens, recorded so that gradients find their way back.
    private static Tensor rows(Tape tape, Tensor x_ND, Tensor tokens_M) {
        Tensor rows_MD = tape.tensor(x_ND.type(), tokens_M.elements(), x_ND.width());
        Lookup.gather(rows_MD, x_ND, tokens_M);
        if (tape.tracks(x_ND)) {
            tape.record(
                    rows_MD,
                    dRows_MD -> {
                        Tensor wide_ND = tape.region().zeros(DType.F32, x_ND.shape());
                        Lookup.gatherBackward(wide_ND, dRows_MD, tokens_M);
                        Tensor dx_ND = tape.tensor(x_ND.type(), x_ND.shape());
                        dx_ND.set(wide_ND.toFloats());
                        tape.addGradient(x_ND, dx_ND);
                    });
        }
        return rows_MD;
    }

    private static void add(float[] sum_ND, Share share, ExpertChoice selection) {
        float[] y_MD = share.y_MD.toFloats();
        int width = (int) share.y_MD.width();
        for (int m = 0; m < share.tokens.size(); m++) {
            int token = share.tokens.get(m);
            float weight = (float) selection.weight(token, share.places.get(m));
            for (int d = 0; d < width; d++) {
                sum_ND[token * width + d] += weight * y_MD[m * width + d];
            }
        }
    }

    private void backward(
            Tape tape,
            Tensor logits_NE,
            ExpertChoice selection,
            List<Share> shares,
            Tensor dOut_ND) {
        int count = choice.scoring.count;
        double[] dWeights_NK = new double[(int) logits_NE.rows() * count];
        for (Share share : shares) {
            Tensor picked_MD = tape.tensor(dOut_ND.type(), share.y_MD.shape());
            Lookup.gather(picked_MD, dOut_ND, share.tokens_M);
            float[] d_MD = picked_MD.toFloats();
            float[] y_MD = share.y_MD.toFloats();
            int width = (int) share.y_MD.width();
            for (int m = 0; m < share.tokens.size(); m++) {
                int token = share.tokens.get(m);
                int place = share.places.get(m);
                float weight = (float) selection.weight(token, place);
                double dot = 0;
                for (int at = m * width; at < (m + 1) * width; at++) {
                    dot += (double) d_MD[at] * y_MD[at];
                    d_MD[at] *= weight;
                }
                dWeights_NK[token * count + place] = dot;
            }
            picked_MD.set(d_MD);
            tape.addGradient(share.y_MD, picked_MD);
        }
        if (tape.tracks(logits_NE)) {
            Tensor dLogits_NE = tape.tensor(logits_NE.type(), logits_NE.shape());
            dLogits_NE.set(selection.logitGradients(dWeights_NK, choice.routing.slope_E()));
            tape.addGradient(logits_NE, dLogits_NE);
        }
    }

    @Override
    public List<Linear> linears() {
        List<Linear> linears = new ArrayList<>(List.of(router));
        experts.forEach(expert -> linears.addAll(expert.linears()));
        return linears;
    }

    @Override
    public MixtureMlp share() {
        return new MixtureMlp(
                router.share(), experts.stream().map(GatedMlp::share).toList(), choice);
    }

    /// Which experts a router has chosen for every token, and with which weights.
    private static final class ExpertChoice {

        private final int tokens;
        private final int experts;
        private final int count;
        private final Scoring scoring;
        private final float[] correction_E;
        private final double[] probability_NE;
        private final int[] expert_NK;

        /// Probabilities first, then the `count` largest; equal ones by their number.
        ExpertChoice(Tensor logits_NE, Scoring scoring, float[] correction_E) {
            this.tokens = (int) logits_NE.rows();
            this.experts = (int) logits_NE.width();
            this.count = scoring.count;
            this.scoring = scoring;
            this.correction_E = correction_E;
            this.probability_NE =
                    scoring.sigmoid
                            ? sigmoid(logits_NE.toFloats())
                            : softmax(logits_NE.toFloats(), experts);
            this.expert_NK = new int[tokens * count];
            for (int n = 0; n < tokens; n++) {
                choose(n);
            }
        }

        private static double[] sigmoid(float[] logits_NE) {
            double[] probability_NE = new double[logits_NE.length];
            for (int i = 0; i < logits_NE.length; i++) {
                probability_NE[i] = 1 / (1 + Math.exp(-logits_NE[i]));
            }
            return probability_NE;
        }

        private static double[] softmax(float[] logits_NE, int experts) {
            double[] probability_NE = new double[logits_NE.length];
            for (int from = 0; from < logits_NE.length; from += experts) {
                double largest = Double.NEGATIVE_INFINITY;
                for (int e = 0; e < experts; e++) {
                    largest = Math.max(largest, logits_NE[from + e]);
                }
                double sum = 0;
                for (int e = 0; e < experts; e++) {
                    probability_NE[from + e] = Math.exp(logits_NE[from + e] - largest);
                    sum += probability_NE[from + e];
                }
                for (int e = 0; e < experts; e++) {
                    probability_NE[from + e] /= sum;
                }
            }
            return probability_NE;
        }

        private void choose(int token) {
            double[] score_E = new double[experts];
            for (int e = 0; e < experts; e++) {
                score_E[e] = probability(token, e) + correction_E[e];
            }
            leaveGroups(score_E);
            int[] best = largest(score_E, 0, experts, count);
            System.arraycopy(best, 0, expert_NK, token * count, count);
        }

        /// Takes experts of all but the best groups out of the choice.
        private void leaveGroups(double[] score_E) {
            Groups groups = scoring.groups;
            if (groups.chosen == groups.count) {
                return;
            }
            int width = experts / groups.count;
            double[] score_G = new double[groups.count];
            for (int g = 0; g < groups.count; g++) {
                for (int e : largest(score_E, g * width, (g + 1) * width, groups.deciding)) {
                    score_G[g] += score_E[e];
                }
            }
            boolean[] stays_G = new boolean[groups.count];
            for (int g : largest(score_G, 0, groups.count, groups.chosen)) {
                stays_G[g] = true;
            }
            for (int e = 0; e < experts; e++) {
                score_E[e] = stays_G[e / width] ? score_E[e] : Double.NEGATIVE_INFINITY;
            }
        }

        /// Places of the `count` largest of a part of the scores, equal ones by their number.
        private static int[] largest(double[] scores, int from, int to, int count) {
            boolean[] taken = new boolean[to - from];
            int[] places = new int[count];
            for (int k = 0; k < count; k++) {
                int best = -1;
                for (int e = from; e < to; e++) {
                    boolean better = best < 0 || scores[e] > scores[best];
                    best = !taken[e - from] && better ? e : best;
                }
                taken[best - from] = true;
                places[k] = best;
            }
            return places;
        }

        private double probability(int token, int expert) {
            return probability_NE[token * experts + expert];
        }

        /// Tokens of an expert, in their order.
        List<Integer> tokens(int expert) {
            List<Integer> found = new ArrayList<>();
            for (int i = 0; i < expert_NK.length; i++) {
                if (expert_NK[i] == expert) {
                    found.add(i / count);
                }
            }
            return found;
        }

        /// For each of [#tokens], where the expert stands among those chosen for it.
        List<Integer> places(int expert) {
            List<Integer> found = new ArrayList<>();
            for (int i = 0; i < expert_NK.length; i++) {
                if (expert_NK[i] == expert) {
                    found.add(i % count);
                }
            }
            return found;
        }

        /// Factor of the output of a chosen expert.
        double weight(int token, int place) {
            return scoring.factor * share(token, place);
        }

        private double share(int token, int place) {
            return probability(token, expert_NK[token * count + place]) / divisor(token);
        }

        private double divisor(int token) {
            if (!scoring.normalised) {
                return 1;
            }
            double sum = 0;
            for (int k = 0; k < count; k++) {
                sum += probability(token, expert_NK[token * count + k]);
            }
            return sum;
        }

        /// How many tokens chose each expert.
        int[] chosen_E() {
            int[] chosen_E = new int[experts];
            for (int expert : expert_NK) {
                chosen_E[expert]++;
            }
            return chosen_E;
        }

        /// Sum of the probabilities of each expert over all tokens.
        double[] probabilitySums_E() {
            double[] sums_E = new double[experts];
            for (int i = 0; i < probability_NE.length; i++) {
                sums_E[i % experts] += probability_NE[i];
            }
            return sums_E;
        }

        /// Gradient of the logits from that of the weights, and from a slope that is added to the
        /// gradient of every probability.
        float[] logitGradients(double[] dWeights_NK, double[] slope_E) {
            float[] gradients_NE = new float[probability_NE.length];
            for (int n = 0; n < tokens; n++) {
                double[] d_E = probabilityGradients(n, dWeights_NK, slope_E);
                if (scoring.sigmoid) {
                    for (int e = 0; e < experts; e++) {
                        double p = probability(n, e);
                        gradients_NE[n * experts + e] = (float) (p * (1 - p) * d_E[e]);
                    }
                    continue;
                }
                double mean = 0;
                for (int e = 0; e < experts; e++) {
                    mean += d_E[e] * probability(n, e);
                }
                for (int e = 0; e < experts; e++) {
                    gradients_NE[n * experts + e] = (float) (probability(n, e) * (d_E[e] - mean));
                }
            }
            return gradients_NE;
        }

        private double[] probabilityGradients(int n, double[] dWeights_NK, double[] slope_E) {
            double[] d_E = slope_E.clone();
            double divisor = divisor(n) / scoring.factor;
            double common = 0;
            for (int k = 0; k < count && scoring.normalised; k++) {
                common += dWeights_NK[n * count + k] * share(n, k);
            }
            for (int k = 0; k < count; k++) {
                d_E[expert_NK[n * count + k]] += (dWeights_NK[n * count + k] - common) / divisor;
            }
            return d_E;
        }
    }
}
