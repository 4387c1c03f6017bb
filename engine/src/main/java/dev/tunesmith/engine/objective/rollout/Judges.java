package dev.tunesmith.engine.objective.rollout;

import dev.tunesmith.contracts.method.Grader;
import dev.tunesmith.engine.data.Sample;
import dev.tunesmith.engine.tensor.StepArena;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;

/// The models that a grader may ask.
///
/// @param scorer gives numbers
/// @param asked answers questions about answers
public record Judges(Optional<RewardModel> scorer, Optional<AskedModel> asked) {

    /// For graders that ask none.
    public static final Judges NONE = new Judges(Optional.empty(), Optional.empty());

    /// What is judged: prompts and answers as documents, their rows, and the answers as texts.
    record Drawn(List<Sample> documents, List<Map<String, Object>> items, List<String> texts) {}

    /// What the models say, of all answers at once; one judge for each answer.
    List<Grader.Judge> judge(Grader grader, StepArena arena, Drawn drawn) {
        Map<Grader.ByModel, double[]> said = new HashMap<>();
        for (Grader.ByModel part : grader.models().distinct().toList()) {
            said.put(part, scores(part, arena, drawn));
        }
        return IntStream.range(0, drawn.texts.size())
                .<Grader.Judge>mapToObj(i -> part -> scoreOf(said, part)[i])
                .toList();
    }

    private static double[] scoreOf(Map<Grader.ByModel, double[]> said, Grader.ByModel part) {
        double[] scores = said.get(part);
        if (scores == null) {
            throw new IllegalStateException("nobody was asked: " + part);
        }
        return scores;
    }

    private double[] scores(Grader.ByModel part, StepArena arena, Drawn drawn) {
        return switch (part) {
            case Grader.Scored _ -> scorer.orElseThrow().scores(arena, drawn.documents);
            case Grader.Asked question ->
                    asked.orElseThrow().scores(arena, question, drawn.items, drawn.texts);
        };
    }
}
