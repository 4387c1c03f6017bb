package dev.tunesmith.api.dataset;

import dev.tunesmith.contracts.chat.NamedTemplates;
import dev.tunesmith.contracts.event.DataTask.Verb;
import dev.tunesmith.contracts.event.DataTask.Wish;
import dev.tunesmith.contracts.mixture.DataRules;
import dev.tunesmith.contracts.mixture.Reading;
import dev.tunesmith.contracts.problem.Fields;
import dev.tunesmith.contracts.problem.NearestName;
import dev.tunesmith.contracts.problem.Problem;
import dev.tunesmith.contracts.problem.ProblemCode;
import dev.tunesmith.contracts.problem.Problems;
import dev.tunesmith.contracts.template.ChatOptions;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// Reads what a client wants done with a file, and says everything that is wrong with it.
final class DataTaskRules {

    private static final List<String> FORMATS =
            List.of(
                    "jsonl",
                    "json",
                    "csv",
                    "tsv",
                    "jsonl.gz",
                    "json.gz",
                    "csv.gz",
                    "tsv.gz",
                    "jsonl.zst",
                    "json.zst",
                    "csv.zst",
                    "tsv.zst",
                    "parquet",
                    "arrow");
    private static final List<String> VERBS = Arrays.stream(Verb.values()).map(Verb::wire).toList();
    private static final List<String> KEYS =
            List.of(
                    "verb",
                    "file",
                    "validation_file",
                    "model",
                    "row",
                    "template",
                    ChatOptions.KWARGS,
                    ChatOptions.PARSES_SPECIAL,
                    "method",
                    "max_seq_len",
                    "format",
                    "shape",
                    "validation",
                    "likeness",
                    "seed",
                    "reading");

    private final Map<String, Object> body;
    private final Problems problems;

    private DataTaskRules(Map<String, Object> body, Problems problems) {
        this.body = body;
        this.problems = problems;
    }

    /// What is asked for, before anybody has looked whether it exists.
    ///
    /// @param validation empty if there is none
    /// @param model empty if there is none
    record Asked(String file, String validation, String model, Wish wish) {}

    /// Reads a body; what is wrong is added to `problems`.
    static Asked read(Map<String, Object> body, Problems problems) {
        DataTaskRules rules = new DataTaskRules(body, problems);
        rules.unknownKeys();
        Verb verb = rules.verb();
        Asked asked =
                new Asked(
                        rules.text("file").orElse(""),
                        rules.text("validation_file").orElse(""),
                        rules.text("model").orElse(""),
                        rules.wish(verb));
        if (asked.file().isEmpty() && body.get("file") == null) {
            rules.problem(ProblemCode.MISSING_REQUIRED_PARAMETER, "file", "name the id of a file");
        }
        if (verb.needsModel() && asked.model().isEmpty()) {
            rules.problem(
                    ProblemCode.MISSING_REQUIRED_PARAMETER,
                    "model",
                    "%s counts tokens, so it needs a model".formatted(verb.wire()));
        }
        if (verb != Verb.CHECK && !asked.validation().isEmpty()) {
            rules.problem(
                    ProblemCode.INVALID_VALUE, "validation_file", "only check reads a second file");
        }
        return asked;
    }

    private void unknownKeys() {
        for (String key : body.keySet()) {
            if (!KEYS.contains(key)) {
                Problem problem =
                        Problem.of(ProblemCode.UNKNOWN_PARAMETER, key, "is not a known key");
                problems.add(NearestName.of(key, KEYS).map(problem::suggesting).orElse(problem));
            }
        }
    }

    private Verb verb() {
        Optional<String> name = text("verb");
        if (name.isPresent() && VERBS.contains(name.get())) {
            return Verb.of(name.get());
        }
        Problem problem =
                Problem.of(
                        ProblemCode.INVALID_VALUE,
                        "verb",
                        "expected one of " + String.join(", ", VERBS));
        problems.add(
                name.flatMap(given -> NearestName.of(given, VERBS))
                        .map(problem::suggesting)
                        .orElse(problem));
        return Verb.CHECK;
    }

    private Wish wish(Verb verb) {
        Double validation = number("validation", 0, 1e9);
        if (verb == Verb.SPLIT && (validation == null || validation <= 0)) {
            problem(
                    ProblemCode.INVALID_VALUE,
                    "validation",
                    "expected a share below 1, or a number of rows");
        }
        Optional<String> template = text("template");
        if (template.isPresent() && NamedTemplates.find(template.get()).isEmpty()) {
            problem(ProblemCode.INVALID_VALUE, "template", "no template has this name");
        }
        return new Wish(
                verb,
                whole("row", 1, 1_000_000_000L),
                template.orElse(null),
                oneOf("method", List.of("supervised", "pretrain", "dpo", "kto", "reward_model")),
                length(),
                oneOf("format", FORMATS),
                oneOf("shape", List.of("openai", "sharegpt", "alpaca")),
                validation,
                oneOf("likeness", List.of("exact", "normalised", "near")),
                whole("seed", 0, 1L << 53),
                reading(),
                chat());
    }

    /// How the rows are read, in the words of an entry of `x_training.data`.
    private @Nullable Reading reading() {
        Fields fields = new Fields(body, "", problems);
        if (!fields.has("reading")) {
            return null;
        }
        Fields given = fields.object("reading");
        Reading reading = DataRules.reading(given);
        given.rejectOthers(Map.of());
        return reading;
    }

    private ChatOptions chat() {
        Object given = body.get(ChatOptions.KWARGS);
        Map<?, ?> variables = given instanceof Map<?, ?> map ? map : Map.of();
        List<String> wrong =
                given == null || given instanceof Map
                        ? ChatOptions.problems(variables)
                        : List.of("expected an object of variables of the chat template by name");
        wrong.forEach(text -> problem(ProblemCode.INVALID_VALUE, ChatOptions.KWARGS, text));
        Object parses = body.get(ChatOptions.PARSES_SPECIAL);
        if (parses != null && !(parses instanceof Boolean)) {
            problem(
                    ProblemCode.INVALID_VALUE,
                    ChatOptions.PARSES_SPECIAL,
                    "expected true or false");
        }
        return ChatOptions.of(variables, Boolean.TRUE.equals(parses));
    }

    private @Nullable Integer length() {
        Long length = whole("max_seq_len", 1, 1 << 24);
        return length == null ? null : length.intValue();
    }

    private @Nullable Long whole(String key, long least, long most) {
        Double value = number(key, (double) least, (double) most);
        if (value != null && value != Math.rint(value)) {
            problem(ProblemCode.INVALID_VALUE, key, "expected a whole number");
        }
        return value == null ? null : value.longValue();
    }

    private @Nullable Double number(String key, double least, double most) {
        Object value = body.get(key);
        if (value == null) {
            return null;
        }
        if (value instanceof Number number
                && number.doubleValue() >= least
                && number.doubleValue() <= most) {
            return number.doubleValue();
        }
        problem(
                ProblemCode.INVALID_VALUE,
                key,
                "expected a number from %.0f to %.0f".formatted(least, most));
        return null;
    }

    private @Nullable String oneOf(String key, List<String> names) {
        Optional<String> value = text(key);
        if (value.isPresent() && !names.contains(value.get())) {
            problem(ProblemCode.INVALID_VALUE, key, "expected one of " + String.join(", ", names));
        }
        return value.filter(names::contains).orElse(null);
    }

    private Optional<String> text(String key) {
        Object value = body.get(key);
        if (value != null && !(value instanceof String)) {
            problem(ProblemCode.INVALID_VALUE, key, "expected a text");
        }
        return value instanceof String text ? Optional.of(text) : Optional.empty();
    }

    private void problem(ProblemCode code, String key, String message) {
        problems.add(Problem.of(code, key, message));
    }
}
