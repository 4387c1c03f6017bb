package dev.tunesmith.engine.objective;

import dev.tunesmith.contracts.method.MethodSettings.Preference;
import dev.tunesmith.contracts.method.PairLoss;
import java.util.Comparator;
import java.util.List;
import java.util.function.ToDoubleFunction;

/// The losses of the DPO family on sequence log-probabilities, and their slopes.
///
/// Formulas as in TRL (`DPOTrainer._compute_loss`), except that label smoothing also acts on the
/// plain sigmoid loss, as LLaMA-Factory and torchtune have it.
final class PreferenceLoss {

    /// Exponents above this one, as in TRL, are taken for it: `eˣ` and its slope stay finite in
    /// fp32.
    static final double EXPONENT_MAX = 80;

    private final Preference settings;
    private final List<Pair> pairs;
    private final double delta;
    private final double[] losses;
    private final double[] chosenSlopes;
    private final double[] rejectedSlopes;

    /// One pair.
    ///
    /// @param chosen log-probability of the chosen answer under the policy
    /// @param chosenReference the same under the reference
    /// @param chosenTokens length of the chosen answer
    /// @param confidence factor of the pair's loss, without a gradient of its own
    record Pair(
            double chosen,
            double rejected,
            double chosenReference,
            double rejectedReference,
            int chosenTokens,
            int rejectedTokens,
            double confidence) {

        double chosenRatio() {
            return chosen - chosenReference;
        }

        double rejectedRatio() {
            return rejected - rejectedReference;
        }
    }

    /// Loss of each pair, and its slopes by the log-probabilities under the policy.
    ///
    /// @param delta what rewards were compared with, where they were
    // Arrays: never compared.
    @SuppressWarnings("ArrayRecordComponent")
    record Result(double[] losses, double[] chosenSlopes, double[] rejectedSlopes, double delta) {}

    private PreferenceLoss(Preference settings, List<Pair> pairs, double delta) {
        this.settings = settings;
        this.delta = delta;
        this.pairs = pairs;
        this.losses = new double[pairs.size()];
        this.chosenSlopes = new double[pairs.size()];
        this.rejectedSlopes = new double[pairs.size()];
    }

    /// The sum of all losses of the settings; cross-entropy is the caller's.
    ///
    /// @param delta what [PairLoss#BCO_PAIR_DELTA] compares rewards with
    static Result of(Preference settings, List<Pair> pairs, double delta) {
        PreferenceLoss loss = new PreferenceLoss(settings, pairs, delta);
        for (int i = 0; i < settings.losses().size(); i++) {
            loss.add(settings.losses().get(i), settings.weights().get(i));
        }
        return new Result(loss.losses, loss.chosenSlopes, loss.rejectedSlopes, delta);
    }

    private void add(PairLoss kind, double weight) {
        switch (kind) {
            case SFT -> {
                // A loss of tokens, not of pairs.
            }
            case AOT -> addSorted(weight);
            case AOT_UNPAIRED -> addSortedApart(weight);
            case SIGMOID,
                    SIGMOID_NORM,
                    HINGE,
                    IPO,
                    ROBUST,
                    EXO_PAIR,
                    NCA_PAIR,
                    BCO_PAIR,
                    BCO_PAIR_DELTA,
                    SPPO_HARD,
                    APO_ZERO,
                    APO_DOWN,
                    DISCOPOP -> {
                for (int i = 0; i < pairs.size(); i++) {
                    put(i, i, i, ofPair(kind, pairs.get(i)).times(weight));
                }
            }
        }
    }

    private void put(int term, int chosenOf, int rejectedOf, Dual loss) {
        Dual counted = loss.times(pairs.get(term).confidence());
        losses[term] += counted.value();
        chosenSlopes[chosenOf] += counted.a();
        rejectedSlopes[rejectedOf] += counted.b();
    }

    private Dual ofPair(PairLoss kind, Pair pair) {
        double beta = settings.beta();
        Dual chosen = Dual.first(pair.chosenRatio());
        Dual rejected = Dual.second(pair.rejectedRatio());
        Dual chosenScore = score(chosen);
        Dual rejectedScore = score(rejected);
        Dual margin = chosenScore.minus(rejectedScore).times(beta);
        Dual averaged =
                chosenScore
                        .times(1.0 / pair.chosenTokens())
                        .minus(rejectedScore.times(1.0 / pair.rejectedTokens()));
        Dual chosenReward = chosen.times(beta);
        Dual rejectedReward = rejected.times(beta);
        return switch (kind) {
            case SIGMOID -> smoothed(margin);
            case SIGMOID_NORM -> smoothed(averaged.times(beta));
            case HINGE -> margin.times(-1).plus(1).positive();
            case IPO -> averaged.plus(-1 / (2 * beta)).square();
            case ROBUST -> robust(margin);
            case EXO_PAIR -> exo(margin);
            case NCA_PAIR ->
                    likely(chosenReward)
                            .plus(unlikely(chosenReward).times(0.5))
                            .plus(unlikely(rejectedReward).times(0.5));
            case BCO_PAIR -> likely(chosenReward).plus(unlikely(rejectedReward));
            case BCO_PAIR_DELTA ->
                    likely(chosenReward.plus(-delta)).plus(unlikely(rejectedReward.plus(-delta)));
            case SPPO_HARD ->
                    chosen.plus(-0.5 / beta).square().plus(rejected.plus(0.5 / beta).square());
            case APO_ZERO -> chosenReward.times(-1).sigmoid().plus(rejectedReward.sigmoid());
            case APO_DOWN ->
                    chosenReward.sigmoid().plus(rejectedReward.minus(chosenReward).sigmoid());
            case DISCOPOP -> discopop(margin);
            case AOT, AOT_UNPAIRED, SFT -> throw new IllegalArgumentException(kind.wire());
        };
    }

    /// `−log σ(x)`.
    private static Dual likely(Dual x) {
        return x.times(-1).softplus();
    }

    /// `−log σ(−x)`.
    private static Dual unlikely(Dual x) {
        return x.softplus();
    }

    private Dual smoothed(Dual margin) {
        double wrong = settings.labelSmoothing();
        return likely(margin).times(1 - wrong).plus(unlikely(margin).times(wrong));
    }

    private Dual robust(Dual margin) {
        double wrong = settings.labelSmoothing();
        return likely(margin)
                .times(1 - wrong)
                .minus(unlikely(margin).times(wrong))
                .times(1 / (1 - 2 * wrong));
    }

    private Dual exo(Dual margin) {
        double wrong = Math.max(settings.labelSmoothing(), Preference.EXO_SMOOTHING_MIN);
        Dual p = margin.sigmoid();
        Dual rest = margin.times(-1).sigmoid();
        return p.times(likely(margin).times(-1).plus(-Math.log(1 - wrong)))
                .plus(rest.times(unlikely(margin).times(-1).plus(-Math.log(wrong))));
    }

    private Dual discopop(Dual margin) {
        Dual modulation = margin.times(1 / settings.tau()).sigmoid();
        Dual rest = modulation.times(-1).plus(1);
        return rest.times(likely(margin))
                .plus(modulation.times(margin.times(-1).atMost(EXPONENT_MAX).exp()));
    }

    /// The log-ratio as the f-divergence sees it.
    private Dual score(Dual ratio) {
        return switch (settings.divergence()) {
            case REVERSE_KL -> ratio;
            case FORWARD_KL -> ratio.times(-1).atMost(EXPONENT_MAX).exp().times(-1).plus(1);
            case JS_DIVERGENCE -> likely(ratio).times(-1).plus(Math.log(2));
            case ALPHA_DIVERGENCE -> {
                double power = settings.alpha() - 1;
                yield ratio.times(power).atMost(EXPONENT_MAX).exp().plus(-1).times(1 / power);
            }
        };
    }

    /// Differences of the policy against those of the reference, both sorted.
    private void addSorted(double weight) {
        List<Integer> order = order(i -> pairs.get(i).chosen() - pairs.get(i).rejected());
        List<Integer> reference =
                order(i -> pairs.get(i).chosenReference() - pairs.get(i).rejectedReference());
        for (int k = 0; k < pairs.size(); k++) {
            int i = order.get(k);
            Pair base = pairs.get(reference.get(k));
            Dual difference =
                    Dual.first(pairs.get(i).chosen())
                            .minus(Dual.second(pairs.get(i).rejected()))
                            .plus(base.rejectedReference() - base.chosenReference());
            put(k, i, i, smoothed(difference.times(settings.beta())).times(weight));
        }
    }

    /// Log-ratios of the chosen against those of the rejected, each sorted by itself.
    private void addSortedApart(double weight) {
        List<Integer> chosen = order(i -> pairs.get(i).chosenRatio());
        List<Integer> rejected = order(i -> pairs.get(i).rejectedRatio());
        for (int k = 0; k < pairs.size(); k++) {
            Dual difference =
                    Dual.first(pairs.get(chosen.get(k)).chosenRatio())
                            .minus(Dual.second(pairs.get(rejected.get(k)).rejectedRatio()));
            Dual loss = smoothed(difference.times(settings.beta())).times(weight);
            put(k, chosen.get(k), rejected.get(k), loss);
        }
    }

    private List<Integer> order(ToDoubleFunction<Integer> value) {
        return java.util.stream.IntStream.range(0, pairs.size())
                .boxed()
                .sorted(Comparator.comparingDouble(value))
                .toList();
    }
}
