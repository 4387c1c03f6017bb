package dev.tunesmith.engine.objective.group;

import dev.tunesmith.engine.objective.Metrics;
import dev.tunesmith.engine.objective.rollout.Actor.Graded;
import java.util.Arrays;
import java.util.List;
import java.util.Set;

/// What there is to say about graded answers, under the names of TRL.
final class GroupFigures {

    private static final double NOTHING = 1e-12;

    private GroupFigures() {}

    /// Figures of answers to several prompts, `group` to each.
    static Metrics of(List<Graded> answers, int group) {
        Metrics.Builder metrics = new Metrics.Builder();
        double[] scores = answers.stream().mapToDouble(Graded::score).toArray();
        for (int first = 0; first < scores.length; first += group) {
            double[] own = Arrays.copyOfRange(scores, first, first + group);
            double deviation = GroupAdvantages.deviation(own);
            metrics.mean("reward", GroupAdvantages.mean(own))
                    .mean("reward_std", deviation)
                    .mean("frac_reward_zero_std", deviation < NOTHING ? 1 : 0);
        }
        Set<String> names = answers.isEmpty() ? Set.of() : answers.getFirst().parts().keySet();
        for (String name : names) {
            double[] parts =
                    answers.stream().mapToDouble(a -> a.parts().getOrDefault(name, 0.0)).toArray();
            metrics.mean("rewards/%s/mean".formatted(name), GroupAdvantages.mean(parts))
                    .mean("rewards/%s/std".formatted(name), GroupAdvantages.deviation(parts));
        }
        lengths(answers, metrics);
        return metrics.build();
    }

    private static void lengths(List<Graded> answers, Metrics.Builder metrics) {
        for (Graded answer : answers) {
            metrics.mean("completions/mean_length", answer.length())
                    .smallest("completions/min_length", answer.length())
                    .largest("completions/max_length", answer.length())
                    .mean("completions/clipped_ratio", answer.ended() ? 0 : 1);
            if (answer.ended()) {
                metrics.mean("completions/mean_terminated_length", answer.length())
                        .smallest("completions/min_terminated_length", answer.length())
                        .largest("completions/max_terminated_length", answer.length());
            }
        }
    }
}
