package dev.tunesmith.engine.decode;

import dev.tunesmith.kernels.cpu.Sampling;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Comparator;
import java.util.List;
import java.util.PriorityQueue;

/// Draws one token from a row of logits. Randomness is a counter-based generator keyed by seed and
/// position, so a draw does not depend on the batch that the request is in.
public final class Sampler {
    private static final long GOLDEN = 0x9E3779B97F4A7C15L;

    private final SamplingOptions options;
    private final BitSet seen = new BitSet();
    private final java.util.HashMap<Integer, Integer> counts = new java.util.HashMap<>();

    /// @param prompt tokens that the repetition penalty counts
    public Sampler(SamplingOptions options, int[] prompt) {
        this.options = options;
        if (options.repetition() != 1) {
            for (int token : prompt) {
                seen.set(token);
            }
        }
    }

    /// As the other, without looking at every logit in Java where the token is all that counts.
    public Draw draw(Logits logits, int position) {
        if (options.topLogprobs() >= 0 || options.changesLogits()) {
            return draw(logits.values(), position);
        }
        int token = options.temperature() == 0 ? logits.largest() : random(logits, position);
        remember(token);
        return new Draw(token, Double.NaN, List.of());
    }

    private void remember(int token) {
        counts.merge(token, 1, Integer::sum);
        seen.set(token);
    }

    /// Draws from the logits and remembers the token for the penalties.
    ///
    /// @param logits changed in place by bias and penalties
    /// @param position index of the token in its sequence
    public Draw draw(float[] logits, int position) {
        if (options.changesLogits()) {
            penalise(logits);
        }
        Logits changed = Logits.of(logits);
        int token = options.temperature() == 0 ? changed.largest() : random(changed, position);
        remember(token);
        if (options.topLogprobs() < 0) {
            return new Draw(token, Double.NaN, List.of());
        }
        double normaliser = logSumExp(logits);
        return new Draw(token, logits[token] - normaliser, top(logits, normaliser));
    }

    /// How likely a given token was, without drawing anything; biases and penalties are left out.
    public Draw measure(float[] logits, int token) {
        double normaliser = logSumExp(logits);
        return new Draw(token, logits[token] - normaliser, top(logits, normaliser));
    }

    private void penalise(float[] logits) {
        options.bias()
                .forEach((token, bias) -> {
                    if (token < logits.length) {
                        logits[token] += bias.floatValue();
                    }
                });
        if (options.repetition() != 1) {
            float penalty = (float) options.repetition();
            for (int t = seen.nextSetBit(0); t >= 0; t = seen.nextSetBit(t + 1)) {
                logits[t] = logits[t] > 0 ? logits[t] / penalty : logits[t] * penalty;
            }
        }
        counts.forEach((token, count) ->
                logits[token] -= (float) (options.presence() + count * options.frequency()));
    }

    private int random(Logits logits, int position) {
        return logits.draw(
                new Sampling.Choice(
                        options.temperature(),
                        options.topP(),
                        options.minP(),
                        options.topK(),
                        uniform(options.seed(), position)));
    }

    private static Comparator<Integer> byLogit(float[] logits) {
        return (a, b) -> {
            int byValue = Float.compare(logits[b], logits[a]);
            return byValue != 0 ? byValue : Integer.compare(a, b);
        };
    }

    /// Uniform in [0, 1) from (seed, position): two rounds of a 64-bit finaliser (Steele et al.,
    /// SplitMix64).
    static double uniform(long seed, int position) {
        long z = mix(mix(seed + GOLDEN) ^ (position * GOLDEN));
        return (z >>> 11) * 0x1.0p-53;
    }

    private static long mix(long value) {
        long z = value;
        z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
        z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
        return z ^ (z >>> 31);
    }

    private List<Draw.Alternative> top(float[] logits, double normaliser) {
        var top = new ArrayList<Draw.Alternative>();
        for (int token : best(logits, options.topLogprobs())) {
            top.add(new Draw.Alternative(token, logits[token] - normaliser));
        }
        return top;
    }

    /// The k best ids in order, by a heap of k.
    private static List<Integer> best(float[] logits, int k) {
        Comparator<Integer> order = byLogit(logits);
        var heap = new PriorityQueue<Integer>(order.reversed());
        for (int i = 0; k > 0 && i < logits.length; i++) {
            if (heap.size() < k) {
                heap.add(i);
            } else if (logits[i] > logits[heap.element()]) {
                heap.remove();
                heap.add(i);
            }
        }
        var sorted = new ArrayList<>(heap);
        sorted.sort(order);
        return sorted;
    }

    static double logSumExp(float[] logits) {
        double largest = Double.NEGATIVE_INFINITY;
        for (float logit : logits) {
            largest = Math.max(largest, logit);
        }
        double sum = 0;
        for (float logit : logits) {
            sum += Math.exp(logit - largest);
        }
        return largest + Math.log(sum);
    }
}
