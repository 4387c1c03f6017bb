package dev.tunesmith.contracts.method;

import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.annotation.JsonTypeInfo;
import com.fasterxml.jackson.annotation.JsonTypeName;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;

/// Scores an answer, in the shapes of OpenAI's graders. Texts may hold `{{item.field}}` for fields
/// of the row and `{{sample.output_text}}` for the answer: plain substitution, one pass.
@JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "type")
@JsonSubTypes({
    @JsonSubTypes.Type(Grader.StringCheck.class),
    @JsonSubTypes.Type(Grader.Regex.class),
    @JsonSubTypes.Type(Grader.Similarity.class),
    @JsonSubTypes.Type(Grader.Scored.class),
    @JsonSubTypes.Type(Grader.Multi.class)
})
public sealed interface Grader {

    /// The score of an answer to a row.
    ///
    /// @param judged what the reward model of the job says of prompt and answer
    double score(Map<String, ?> item, String answer, double judged);

    /// The score of an answer where no reward model is needed.
    default double score(Map<String, ?> item, String answer) {
        return score(item, answer, Double.NaN);
    }

    /// The scores of the parts by name, of those that add up: one for most graders.
    default Map<String, Double> scores(Map<String, ?> item, String answer, double judged) {
        return Map.of("reward", score(item, answer, judged));
    }

    /// What a reward model says that a job of method `reward_model` trained.
    ///
    /// @param model name of the trained model
    @JsonTypeName("reward_model")
    record Scored(String model) implements Grader {
        @Override
        public double score(Map<String, ?> item, String answer, double judged) {
            return judged;
        }
    }

    /// 1 where the comparison holds, else 0.
    @JsonTypeName("string_check")
    record StringCheck(String input, String reference, Operation operation) implements Grader {
        /// The usual check: the answer is what the row's `reference_answer` says.
        public static final StringCheck ANSWER_IS_REFERENCE =
                new StringCheck(
                        "{{sample.output_text}}", "{{item.reference_answer}}", Operation.EQ);

        /// How two texts are compared; `like` is containment, `ilike` without regard to case.
        public enum Operation {
            EQ,
            NE,
            LIKE,
            ILIKE
        }

        @Override
        public double score(Map<String, ?> item, String answer, double judged) {
            String left = Texts.filled(input, item, answer);
            String right = Texts.filled(reference, item, answer);
            boolean holds =
                    switch (operation) {
                        case EQ -> left.equals(right);
                        case NE -> !left.equals(right);
                        case LIKE -> left.contains(right);
                        case ILIKE ->
                                left.toLowerCase(Locale.ROOT)
                                        .contains(right.toLowerCase(Locale.ROOT));
                    };
            return holds ? 1 : 0;
        }
    }

    /// 1 where the pattern is found in the input (Java's syntax; `^` and `$` for the whole), else
    /// 0: a check of the answer's form.
    @JsonTypeName("regex")
    record Regex(String input, String pattern) implements Grader {
        public Regex {
            try {
                Pattern _ = Pattern.compile(pattern);
            } catch (PatternSyntaxException e) {
                throw new IllegalArgumentException("pattern: " + e.getDescription(), e);
            }
        }

        @Override
        public double score(Map<String, ?> item, String answer, double judged) {
            String text = Texts.filled(input, item, answer);
            return Pattern.compile(pattern).matcher(text).find() ? 1 : 0;
        }
    }

    /// Similarity of two texts from 0 to 1: `fuzzy_match`, one minus the edit distance by the
    /// longer length.
    @JsonTypeName("text_similarity")
    record Similarity(String input, String reference) implements Grader {
        @Override
        public double score(Map<String, ?> item, String answer, double judged) {
            int[] left = Texts.filled(input, item, answer).codePoints().toArray();
            int[] right = Texts.filled(reference, item, answer).codePoints().toArray();
            int longest = Math.max(left.length, right.length);
            return longest == 0 ? 1 : 1 - (double) Texts.distance(left, right) / longest;
        }
    }

    /// The weighted sum of other graders.
    @JsonTypeName("multi")
    record Multi(Map<String, Grader> graders, Map<String, Double> weights) implements Grader {
        public Multi {
            graders = java.util.Collections.unmodifiableMap(new LinkedHashMap<>(graders));
            weights = java.util.Collections.unmodifiableMap(new LinkedHashMap<>(weights));
        }

        @Override
        public double score(Map<String, ?> item, String answer, double judged) {
            double sum = 0;
            for (Map.Entry<String, Grader> grader : graders.entrySet()) {
                double weight = weights.getOrDefault(grader.getKey(), 1.0);
                sum += weight * grader.getValue().score(item, answer, judged);
            }
            return sum;
        }

        @Override
        public Map<String, Double> scores(Map<String, ?> item, String answer, double judged) {
            var scores = new LinkedHashMap<String, Double>();
            graders.forEach((name, grader) -> scores.put(name, grader.score(item, answer, judged)));
            return scores;
        }
    }

    /// What the graders do with texts.
    final class Texts {
        private static final Pattern SLOT =
                Pattern.compile("\\{\\{\\s*([a-z_]+)\\.([^}\\s]+)\\s*}}");

        private Texts() {}

        static String filled(String template, Map<String, ?> item, String answer) {
            Matcher matcher = SLOT.matcher(template);
            return matcher.replaceAll(match ->
                    Matcher.quoteReplacement(value(match.group(1), match.group(2), item, answer)));
        }

        private static String value(String where, String path, Map<String, ?> item, String answer) {
            if (where.equals("sample")) {
                return path.equals("output_text") ? answer : "";
            }
            Object at = item;
            for (String key : path.split("\\.")) {
                at = at instanceof Map<?, ?> map ? map.get(key) : null;
            }
            return at == null ? "" : at.toString();
        }

        /// Levenshtein's distance.
        static int distance(int[] left, int[] right) {
            int[] row = new int[right.length + 1];
            for (int j = 0; j <= right.length; j++) {
                row[j] = j;
            }
            for (int i = 1; i <= left.length; i++) {
                int diagonal = row[0];
                row[0] = i;
                for (int j = 1; j <= right.length; j++) {
                    int change = diagonal + (left[i - 1] == right[j - 1] ? 0 : 1);
                    diagonal = row[j];
                    row[j] = Math.min(change, 1 + Math.min(row[j], row[j - 1]));
                }
            }
            return row[right.length];
        }
    }
}
