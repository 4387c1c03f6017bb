package dev.tunesmith.contracts.method;

import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.annotation.JsonTypeInfo;
import com.fasterxml.jackson.annotation.JsonTypeName;
import dev.tunesmith.contracts.grade.Formula;
import dev.tunesmith.contracts.grade.Likeness;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// Scores an answer, in the shapes of OpenAI's graders. Texts may hold `{{item.field}}` for fields
/// of the row and `{{sample.output_text}}` for the answer: plain substitution, one pass.
@JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "type")
@JsonSubTypes({
    @JsonSubTypes.Type(Grader.StringCheck.class),
    @JsonSubTypes.Type(Grader.Regex.class),
    @JsonSubTypes.Type(Grader.Similarity.class),
    @JsonSubTypes.Type(Grader.Scored.class),
    @JsonSubTypes.Type(Grader.Asked.class),
    @JsonSubTypes.Type(Grader.Multi.class),
    @JsonSubTypes.Type(Grader.Named.class)
})
public sealed interface Grader {

    /// The score of an answer to a row.
    ///
    /// @param judge what the models say that parts of the grader ask
    double score(Map<String, ?> item, String answer, Judge judge);

    /// The score of an answer where no model is asked.
    default double score(Map<String, ?> item, String answer) {
        return score(item, answer, Judge.NONE);
    }

    /// The scores of the parts by name, of those that are put together: one for most graders.
    default Map<String, Double> scores(Map<String, ?> item, String answer, Judge judge) {
        return Map.of("reward", score(item, answer, judge));
    }

    /// The parts that ask a model.
    default Stream<ByModel> models() {
        return Stream.of();
    }

    /// The texts that it fills in.
    default Stream<String> texts() {
        return Stream.of();
    }

    /// What its texts ask for and the row does not have, such as `item.answer`.
    default List<String> gaps(Map<String, ?> item) {
        return texts().flatMap(text -> Texts.gaps(text, item)).distinct().toList();
    }

    /// The grader as it stands in the body of a job.
    ///
    /// @param name what it is called where it has no name of its own
    Map<String, Object> wire(String name);

    /// The grader without the name that it may have.
    default Grader bare() {
        return this;
    }

    /// Knows what models say of one answer.
    interface Judge {
        /// For graders that ask none.
        Judge NONE = grader -> Double.NaN;

        /// What the model of a part says.
        double score(ByModel grader);
    }

    /// Asks a model of the platform.
    sealed interface ByModel extends Grader {
        /// Its name.
        String model();

        @Override
        default double score(Map<String, ?> item, String answer, Judge judge) {
            return judge.score(this);
        }

        @Override
        default Stream<ByModel> models() {
            return Stream.of(this);
        }
    }

    /// What a reward model says that a job of method `reward_model` trained.
    ///
    /// @param model name of the trained model
    @JsonTypeName("reward_model")
    record Scored(String model) implements ByModel {
        @Override
        public Map<String, Object> wire(String name) {
            return Wire.of("reward_model", name).with("model", model).keys();
        }
    }

    /// The number that a model answers with when it is asked about the answer.
    ///
    /// @param model name of any model that answers
    /// @param input the conversation that asks it
    /// @param low what its number is not below; also the score where it names no number
    /// @param high what it is not above
    @JsonTypeName("score_model")
    record Asked(String model, List<Line> input, Sampling sampling, double low, double high)
            implements ByModel {
        private static final Pattern RESULT =
                Pattern.compile("\"result\"\\s*:\\s*([-+]?\\d+(?:\\.\\d+)?)");
        private static final Pattern NUMBER = Pattern.compile("[-+]?\\d+(?:\\.\\d+)?");

        public Asked {
            input = List.copyOf(input);
            if (!(low < high)) {
                throw new IllegalArgumentException("range from %s to %s".formatted(low, high));
            }
        }

        /// A message to the model.
        public record Line(String role, String content) {}

        /// How its answer is drawn; at temperature 0 it is the most probable one.
        public record Sampling(int tokensMax, double temperature, double topP, long seed) {
            /// The same score for the same answer, and room for a few words.
            public static final Sampling USUAL = new Sampling(64, 0, 1, 0);
        }

        @Override
        public Stream<String> texts() {
            return input.stream().map(Line::content);
        }

        /// The conversation about an answer.
        public List<Map<String, Object>> question(Map<String, ?> item, String answer) {
            return input.stream()
                    .map(line ->
                            Map.<String, Object>of(
                                    "role",
                                    line.role(),
                                    "content",
                                    Texts.filled(line.content(), item, answer)))
                    .toList();
        }

        @Override
        public Map<String, Object> wire(String name) {
            Map<String, Object> drawn =
                    Map.of(
                            "max_completions_tokens",
                            sampling.tokensMax(),
                            "temperature",
                            sampling.temperature(),
                            "top_p",
                            sampling.topP(),
                            "seed",
                            sampling.seed());
            return Wire.of("score_model", name)
                    .with("model", model)
                    .with("input", input)
                    .with("sampling_params", drawn)
                    .with("range", List.of(low, high))
                    .keys();
        }

        /// Whether the model named a number at all.
        public static boolean isScore(String said) {
            return NUMBER.matcher(said).find();
        }

        /// The number in what the model said: that of `"result": n`, else the first one.
        public double read(String said) {
            Matcher result = RESULT.matcher(said);
            Matcher number = NUMBER.matcher(said);
            if (result.find()) {
                return Math.clamp(Double.parseDouble(result.group(1)), low, high);
            }
            return number.find() ? Math.clamp(Double.parseDouble(number.group()), low, high) : low;
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
        public double score(Map<String, ?> item, String answer, Judge judge) {
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

        @Override
        public Stream<String> texts() {
            return Stream.of(input, reference);
        }

        @Override
        public Map<String, Object> wire(String name) {
            return Wire.of("string_check", name)
                    .with("input", input)
                    .with("reference", reference)
                    .with("operation", operation.name().toLowerCase(Locale.ROOT))
                    .keys();
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
        public double score(Map<String, ?> item, String answer, Judge judge) {
            String text = Texts.filled(input, item, answer);
            return Pattern.compile(pattern).matcher(text).find() ? 1 : 0;
        }

        @Override
        public Stream<String> texts() {
            return Stream.of(input);
        }

        @Override
        public Map<String, Object> wire(String name) {
            return Wire.of("regex", name).with("input", input).with("pattern", pattern).keys();
        }
    }

    /// How alike two texts are, from 0 to 1.
    @JsonTypeName("text_similarity")
    record Similarity(String input, String reference, Likeness evaluationMetric) implements Grader {
        public Similarity {
            // Jobs of earlier releases were stored without it.
            evaluationMetric = Objects.requireNonNullElse(evaluationMetric, Likeness.FUZZY_MATCH);
        }

        @Override
        public double score(Map<String, ?> item, String answer, Judge judge) {
            return evaluationMetric.of(
                    Texts.filled(input, item, answer), Texts.filled(reference, item, answer));
        }

        @Override
        public Stream<String> texts() {
            return Stream.of(input, reference);
        }

        @Override
        public Map<String, Object> wire(String name) {
            return Wire.of("text_similarity", name)
                    .with("input", input)
                    .with("reference", reference)
                    .with("evaluation_metric", evaluationMetric.wire())
                    .keys();
        }
    }

    /// The scores of other graders put together: by a formula over their names, else as a sum with
    /// weights.
    ///
    /// @param calculateOutput may be infinite or no number for some scores, which then count as 0
    @JsonTypeName("multi")
    record Multi(
            Map<String, Grader> graders,
            Map<String, Double> weights,
            @Nullable Formula calculateOutput)
            implements Grader {
        public Multi {
            graders = Collections.unmodifiableMap(new LinkedHashMap<>(graders));
            weights = Collections.unmodifiableMap(new LinkedHashMap<>(weights));
        }

        /// A weighted sum.
        public Multi(Map<String, Grader> graders, Map<String, Double> weights) {
            this(graders, weights, null);
        }

        @Override
        public double score(Map<String, ?> item, String answer, Judge judge) {
            Map<String, Double> scores = scores(item, answer, judge);
            if (calculateOutput != null) {
                double value = calculateOutput.value(scores);
                return Double.isFinite(value) ? value : 0;
            }
            double sum = 0;
            for (Map.Entry<String, Double> score : scores.entrySet()) {
                sum += weights.getOrDefault(score.getKey(), 1.0) * score.getValue();
            }
            return sum;
        }

        @Override
        public Map<String, Double> scores(Map<String, ?> item, String answer, Judge judge) {
            var scores = new LinkedHashMap<String, Double>();
            graders.forEach((name, grader) -> scores.put(name, grader.score(item, answer, judge)));
            return scores;
        }

        @Override
        public Stream<ByModel> models() {
            return graders.values().stream().flatMap(Grader::models);
        }

        @Override
        public Stream<String> texts() {
            return graders.values().stream().flatMap(Grader::texts);
        }

        @Override
        public Map<String, Object> wire(String name) {
            var parts = new LinkedHashMap<String, Object>();
            graders.forEach((part, grader) -> parts.put(part, grader.wire(part)));
            Wire wire = Wire.of("multi", name).with("graders", parts);
            return calculateOutput == null
                    ? wire.with("weights", weights).keys()
                    : wire.with("calculate_output", calculateOutput.text()).keys();
        }
    }

    /// A grader that was given a name.
    @JsonTypeName("named")
    record Named(String name, Grader grader) implements Grader {
        @Override
        public double score(Map<String, ?> item, String answer, Judge judge) {
            return grader.score(item, answer, judge);
        }

        @Override
        public Map<String, Double> scores(Map<String, ?> item, String answer, Judge judge) {
            return grader.scores(item, answer, judge);
        }

        @Override
        public Stream<ByModel> models() {
            return grader.models();
        }

        @Override
        public Stream<String> texts() {
            return grader.texts();
        }

        @Override
        public Map<String, Object> wire(String otherwise) {
            return grader.wire(name);
        }

        @Override
        public Grader bare() {
            return grader;
        }
    }

    /// The keys of a grader in OpenAI's order.
    record Wire(Map<String, Object> keys) {
        static Wire of(String type, String name) {
            return new Wire(new LinkedHashMap<>()).with("type", type).with("name", name);
        }

        Wire with(String key, Object value) {
            keys.put(key, value);
            return this;
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

        static Stream<String> gaps(String template, Map<String, ?> item) {
            return SLOT.matcher(template)
                    .results()
                    .filter(slot -> find(slot.group(1), slot.group(2), item, "").isEmpty())
                    .map(slot -> slot.group(1) + "." + slot.group(2));
        }

        private static String value(String where, String path, Map<String, ?> item, String answer) {
            return find(where, path, item, answer).orElse("");
        }

        private static Optional<String> find(
                String where, String path, Map<String, ?> item, String answer) {
            if (where.equals("sample")) {
                return path.equals("output_text") ? Optional.of(answer) : Optional.empty();
            }
            Object at = item;
            for (String key : path.split("\\.")) {
                at = at instanceof Map<?, ?> map ? map.get(key) : null;
            }
            return Optional.ofNullable(at).map(Object::toString);
        }
    }
}
