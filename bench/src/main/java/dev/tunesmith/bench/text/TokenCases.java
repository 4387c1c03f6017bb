package dev.tunesmith.bench.text;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tunesmith.bench.golden.Comparison;
import dev.tunesmith.bench.golden.GoldenCase;
import dev.tunesmith.contracts.chat.Dialogue;
import dev.tunesmith.contracts.chat.NamedTemplate;
import dev.tunesmith.contracts.chat.NamedTemplates;
import dev.tunesmith.contracts.chat.ProbedTemplate;
import dev.tunesmith.contracts.chat.Thinking;
import dev.tunesmith.contracts.chat.Turn;
import dev.tunesmith.contracts.dataset.AlignedRow;
import dev.tunesmith.contracts.mixture.TrainedTurns;
import dev.tunesmith.contracts.template.ChatInput;
import dev.tunesmith.contracts.template.ChatTemplate;
import dev.tunesmith.contracts.tool.JsonReader;
import dev.tunesmith.contracts.tool.ToolFormat;
import dev.tunesmith.engine.data.Labelled;
import dev.tunesmith.engine.data.SlotEncoder;
import dev.tunesmith.engine.data.SlotTokenizer;
import dev.tunesmith.engine.data.UnusableRowException;
import java.nio.file.Path;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/// One tokenised dataset: its rows, template and tokenizer.
final class TokenCases implements AutoCloseable {

    static final int LENGTH_MAX = 1_000_000;

    private final String stage;
    private final Map<String, Object> options;
    private final List<AlignedRow> rows;
    private final SlotTokenizer tokens;
    private final SlotEncoder encoder;

    TokenCases(GoldenCase golden, JsonNode tree) {
        this.stage = tree.path("stage").asText();
        this.options = DatasetCases.map(tree.path("options"));
        this.rows =
                new Datasets(golden.above("data"))
                        .rows(tree.path("dataset").asText(), stage, Map.of(), List.of());
        NamedTemplate template = changed(template(tree));
        Path tokenizers = golden.above("tokenizers");
        this.tokens =
                SlotTokenizer.of(tokenizers.resolve(tree.path("tokenizer").asText()), template);
        boolean masked = Boolean.TRUE.equals(options.get("mask_history"));
        boolean preserve = Boolean.TRUE.equals(options.get("preserve_thinking"));
        this.encoder =
                new SlotEncoder(
                        tokens,
                        template,
                        new Thinking(mode(tree), preserve, masked && !preserve),
                        today(tree));
    }

    /// Some templates write the date; it is the one that the expected rows show.
    private LocalDate today(JsonNode tree) {
        Pattern shown = Pattern.compile("Today Date: (\\d\\d \\w{3} \\d{4})");
        for (JsonNode row : tree.path("expected")) {
            int[] ids = JsonFiles.array(row.path("input_ids"));
            Matcher date = shown.matcher(tokens.tokenizer().decode(ids, false));
            if (date.find()) {
                return LocalDate.parse(
                        date.group(1), DateTimeFormatter.ofPattern("dd MMM yyyy", Locale.ENGLISH));
            }
        }
        return LocalDate.of(2024, 2, 29);
    }

    private static NamedTemplate template(JsonNode tree) {
        if (tree.path("template").isTextual()) {
            String name = tree.path("template").asText();
            return NamedTemplates.find(name)
                    .orElseThrow(() -> new Datasets.Refused("no template is called " + name));
        }
        ChatTemplate own = ChatTemplate.compile(tree.path("chat_template").asText());
        LocalDateTime now = LocalDateTime.of(2024, 2, 29, 0, 0);
        return ProbedTemplate.of(
                (messages, prompt) -> {
                    ChatInput input = ChatInput.of(messages, Map.of(), now);
                    return own.render(prompt ? input.withGenerationPrompt() : input).text();
                },
                "");
    }

    private NamedTemplate changed(NamedTemplate given) {
        NamedTemplate result = given;
        if (options.get("default_system") instanceof String system) {
            result = result.withDefaultSystem(system);
        }
        if (options.get("tool_format") instanceof String format) {
            result =
                    result.withTools(
                            ToolFormat.named(format)
                                    .orElseThrow(() -> new Datasets.Refused("tool_format")));
        }
        return result;
    }

    private static Thinking.Mode mode(JsonNode tree) {
        JsonNode enabled = tree.path("options").path("enable_thinking");
        if (enabled.isNull()) {
            return Thinking.Mode.AS_GIVEN;
        }
        return enabled.asBoolean(true) ? Thinking.Mode.ON : Thinking.Mode.OFF;
    }

    SlotTokenizer tokens() {
        return tokens;
    }

    List<AlignedRow> rows() {
        return rows;
    }

    int lengthMax() {
        return options.get("cutoff_len") instanceof Number length ? length.intValue() : LENGTH_MAX;
    }

    int option(String name, int absent) {
        return options.get(name) instanceof Number number ? number.intValue() : absent;
    }

    boolean on(String name) {
        return Boolean.TRUE.equals(options.get(name));
    }

    boolean usable(AlignedRow row) {
        int answers = row.answers().size();
        return row.prompt().size() % 2 == 1
                && switch (stage) {
                    case "rm" -> answers == 2;
                    case "kto" -> answers == 1 && row.desirable().isPresent();
                    case "sft" -> answers == 1;
                    default -> true;
                };
    }

    private TrainedTurns trained() {
        return on("train_on_prompt")
                ? TrainedTurns.ALL
                : on("mask_history") ? TrainedTurns.LAST_ANSWER : TrainedTurns.ANSWERS;
    }

    private static Dialogue dialogue(AlignedRow row, List<Turn> answer) {
        List<Turn> turns = new ArrayList<>(row.prompt());
        turns.addAll(answer.isEmpty() ? List.of(new Turn(Turn.Role.ASSISTANT, "")) : answer);
        Object tools = row.tools().isEmpty() ? null : JsonReader.read(row.tools());
        return new Dialogue(turns, row.system(), tools instanceof List<?> list ? list : List.of());
    }

    Labelled supervised(AlignedRow row, int lengthMax) {
        return encoder.conversation(dialogue(row, row.answers()), trained(), lengthMax);
    }

    /// As the reference cuts it.
    Labelled cutAtEnds(AlignedRow row, int lengthMax) {
        return encoder.conversationCutAtEnds(dialogue(row, row.answers()), trained(), lengthMax);
    }

    /// The tokens of a row with the answer of another one.
    Map<String, Object> values(AlignedRow row, List<Turn> answers) {
        Map<String, Object> values = new LinkedHashMap<>();
        put(values, "", encoder.answered(dialogue(row, answers), lengthMax()));
        return values;
    }

    /// The tokens of a row under the names of the reference.
    Map<String, Object> values(AlignedRow row) {
        Map<String, Object> values = new LinkedHashMap<>();
        switch (stage) {
            case "rm" -> {
                List<Labelled> pair =
                        encoder.pair(
                                dialogue(row, row.answers().subList(0, 1)),
                                dialogue(row, row.answers().subList(1, 2)),
                                lengthMax());
                put(values, "chosen_", pair.get(0));
                put(values, "rejected_", pair.get(1));
            }
            case "kto" -> {
                put(values, "", encoder.answered(dialogue(row, row.answers()), lengthMax()));
                values.put("kto_tags", row.desirable().orElse(false));
            }
            case "ppo" -> {
                SlotEncoder.Answered answered =
                        encoder.apart(dialogue(row, row.answers()), lengthMax());
                values.put("input_ids", list(answered.question()));
                values.put("labels", list(answered.answer()));
            }
            default -> put(values, "", supervised(row, lengthMax()));
        }
        return values;
    }

    private static void put(Map<String, Object> values, String prefix, Labelled labelled) {
        values.put(prefix + "input_ids", list(labelled.ids()));
        values.put(prefix + "labels", list(labelled.labels()));
    }

    static List<Integer> numbers(@Nullable Object list) {
        return list instanceof List<?> numbers
                ? numbers.stream().map(number -> (Integer) number).toList()
                : List.of();
    }

    static List<Integer> list(int[] numbers) {
        return java.util.Arrays.stream(numbers).boxed().toList();
    }

    /// Compares every row that the case expects.
    static void run(GoldenCase golden, JsonNode tree, Comparison comparison) {
        try (TokenCases run = new TokenCases(golden, tree)) {
            List<Integer> dropped = new ArrayList<>();
            for (int i = 0; i < run.rows.size(); i++) {
                if (!run.usable(run.rows.get(i))) {
                    dropped.add(i);
                }
            }
            comparison.equal(
                    "dropped rows", dropped, JsonFiles.integers(tree.path("dropped_rows")));
            for (JsonNode expected : tree.path("expected")) {
                run.compare(expected, comparison);
            }
        }
    }

    private void compare(JsonNode expected, Comparison comparison) {
        int number = expected.path("row").asInt();
        Map<String, Object> values;
        try {
            values = values(rows.get(number));
        } catch (UnusableRowException e) {
            boolean refusable =
                    expected.path("reference_defect").asBoolean() && !expected.has("must");
            comparison.equal("row %d refused: %s".formatted(number, e.reason()), refusable, true);
            return;
        }
        for (String key : values.keySet()) {
            if (expected.has(key)) {
                Object found = values.get(key);
                JsonNode wanted = expected.get(key);
                comparison.equal(
                        "row %d %s".formatted(number, key),
                        found,
                        wanted.isArray()
                                ? JsonFiles.integers(wanted)
                                : (Object) wanted.asBoolean());
            }
        }
        JsonNode must = expected.path("must");
        for (String key : values.keySet()) {
            if (must.isObject() && key.endsWith("input_ids")) {
                check(number, key, ids(values.get(key)), must, comparison);
            }
        }
    }

    private static int[] ids(Object list) {
        return numbers(list).stream().mapToInt(Integer::intValue).toArray();
    }

    private void check(int number, String key, int[] ids, JsonNode must, Comparison comparison) {
        String what = "row %d %s".formatted(number, key);
        String text = tokens.tokenizer().decode(ids, false);
        if (must.has("max_length")) {
            comparison.equal(what + " length", ids.length <= must.path("max_length").asInt(), true);
        }
        if (must.has("answer_header")) {
            comparison.equal(
                    what + " header", text.contains(must.path("answer_header").asText()), true);
        }
        if (must.has("ends_with")) {
            List<Integer> end = JsonFiles.integers(must.path("ends_with"));
            comparison.equal(
                    what + " end",
                    list(ids).subList(Math.max(0, ids.length - end.size()), ids.length),
                    end);
        }
        if (must.has("decoded") && key.equals("input_ids")) {
            comparison.equal(what + " text", text, must.path("decoded").asText());
            must.path("count_of_control_tokens")
                    .properties()
                    .forEach(count ->
                            comparison.equal(
                                    what + " token " + count.getKey(),
                                    list(ids).stream()
                                            .filter(id -> id == Integer.parseInt(count.getKey()))
                                            .count(),
                                    count.getValue().asLong()));
        }
    }

    @Override
    public void close() {
        tokens.close();
    }
}
