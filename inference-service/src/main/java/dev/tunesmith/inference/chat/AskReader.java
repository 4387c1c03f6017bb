package dev.tunesmith.inference.chat;

import dev.tunesmith.contracts.problem.NearestName;
import dev.tunesmith.contracts.problem.Problem;
import dev.tunesmith.contracts.problem.ProblemCode;
import dev.tunesmith.contracts.template.ChatOptions;
import dev.tunesmith.engine.decode.SamplingOptions;
import dev.tunesmith.engine.text.SpecialText;
import dev.tunesmith.inference.web.Refusal;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.random.RandomGenerator;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// Turns a request body into an [Ask], or refuses it with everything that is wrong.
final class AskReader {
    private static final int CHOICES_MAX = 8;
    private static final int STOPS_MAX = 8;
    private static final int STOP_LENGTH_MAX = 64;
    private static final int TOP_LOGPROBS_MAX = 20;
    private static final int COMPLETION_LOGPROBS_MAX = 5;
    private static final int BIAS_MAX = 100;
    private static final int PROMPTS_MAX = 64;

    /// Keys with a meaning here.
    private static final Set<String> COMMON =
            Set.of(
                    "model",
                    "max_tokens",
                    "temperature",
                    "top_p",
                    "n",
                    "stop",
                    "seed",
                    "presence_penalty",
                    "frequency_penalty",
                    "logit_bias",
                    "logprobs",
                    "stream",
                    "stream_options",
                    "top_k",
                    "min_p",
                    "x_repetition_penalty",
                    "x_raw_logprobs",
                    WritingRules.PARSES_SPECIAL);

    private static final Set<String> CHAT =
            Set.of(
                    "messages",
                    "max_completion_tokens",
                    "top_logprobs",
                    "tools",
                    "tool_choice",
                    "parallel_tool_calls",
                    "response_format",
                    ChatOptions.KWARGS,
                    ChatOptions.EFFORT);
    private static final Set<String> COMPLETION = Set.of("prompt", "echo", "best_of", "suffix");

    /// Keys that are accepted and change nothing.
    private static final Set<String> HINTS =
            Set.of(
                    "user",
                    "safety_identifier",
                    "prompt_cache_key",
                    "prompt_cache_retention",
                    "service_tier",
                    "verbosity",
                    "store",
                    "metadata");

    private static final Set<String> UNSUPPORTED =
            Set.of(
                    "audio",
                    "prediction",
                    "moderation",
                    "web_search_options",
                    "functions",
                    "function_call");
    private static final Set<String> ROLES =
            Set.of("developer", "system", "user", "assistant", "tool", "function");

    private final RandomGenerator random;

    AskReader(RandomGenerator random) {
        this.random = random;
    }

    Ask chat(Map<String, Object> body) {
        var fields = new Fields(body);
        checkKeys(body, CHAT, fields);
        String model = fields.text("model");
        List<Map<String, Object>> messages = messages(fields);
        Optional<Long> top = fields.whole("top_logprobs", 0, TOP_LOGPROBS_MAX);
        boolean logprobs = fields.flag("logprobs");
        if (top.isPresent() && !logprobs) {
            fields.problem(ProblemCode.INVALID_VALUE, "top_logprobs", "needs logprobs: true");
        }
        checkFormat(fields);
        Optional<Long> longest = fields.whole("max_completion_tokens", 1, Integer.MAX_VALUE);
        Optional<Long> older = fields.whole("max_tokens", 1, Integer.MAX_VALUE);
        SamplingOptions sampling =
                sampling(fields, body, logprobs ? top.orElse(0L).intValue() : -1);
        List<Map<String, Object>> tools = ToolRules.read(fields);
        var ask =
                new Ask(
                        model,
                        List.of(new Ask.Conversation(messages, tools, WritingRules.read(fields))),
                        choices(fields),
                        longest.or(() -> older).map(Long::intValue),
                        fields.texts("stop", STOPS_MAX, STOP_LENGTH_MAX),
                        sampling,
                        delivery(fields, false));
        refuseIfWrong(fields);
        return ask;
    }

    Ask completion(Map<String, Object> body) {
        var fields = new Fields(body);
        checkKeys(body, COMPLETION, fields);
        String model = fields.text("model");
        List<Ask.Prompt> prompts = prompts(fields);
        int top =
                fields.whole("logprobs", 0, COMPLETION_LOGPROBS_MAX).map(Long::intValue).orElse(-1);
        boolean echo = fields.flag("echo");
        if (fields.has("suffix")) {
            fields.problem(ProblemCode.UNSUPPORTED_PARAMETER, "suffix", "is not supported");
        }
        checkBestOf(fields);
        Optional<Integer> longest =
                fields.whole("max_tokens", echo ? 0 : 1, Integer.MAX_VALUE).map(Long::intValue);
        var ask =
                new Ask(
                        model,
                        prompts,
                        choices(fields),
                        longest.or(() -> Optional.of(16)),
                        fields.texts("stop", STOPS_MAX, STOP_LENGTH_MAX),
                        sampling(fields, body, top),
                        delivery(fields, echo));
        refuseIfWrong(fields);
        return ask;
    }

    private static void refuseIfWrong(Fields fields) {
        List<Problem> problems = fields.problems();
        if (!problems.isEmpty()) {
            throw Refusal.invalid(problems);
        }
    }

    private static int choices(Fields fields) {
        return fields.whole("n", 1, CHOICES_MAX).orElse(1L).intValue();
    }

    private static void checkKeys(Map<String, Object> body, Set<String> own, Fields fields) {
        var known = new TreeSet<>(COMMON);
        known.addAll(own);
        known.addAll(HINTS);
        for (String key : body.keySet()) {
            if (UNSUPPORTED.contains(key) && body.get(key) != null) {
                fields.problem(ProblemCode.UNSUPPORTED_PARAMETER, key, "is not supported");
            } else if (key.equals("modalities")) {
                if (!List.of("text").equals(body.get(key))) {
                    fields.problem(
                            ProblemCode.UNSUPPORTED_PARAMETER, key, "only [\"text\"] is supported");
                }
            } else if (!known.contains(key) && !UNSUPPORTED.contains(key)) {
                String near =
                        NearestName.of(key, known)
                                .map(name -> ", did you mean " + name + "?")
                                .orElse("");
                fields.problem(
                        ProblemCode.UNKNOWN_PARAMETER, key, "is not a known parameter" + near);
            }
        }
    }

    private static void checkFormat(Fields fields) {
        if (fields.has("response_format")
                && !(fields.raw("response_format") instanceof Map<?, ?> format
                        && "text".equals(format.get("type")))) {
            fields.problem(
                    ProblemCode.UNSUPPORTED_PARAMETER,
                    "response_format",
                    "only {\"type\":\"text\"} is supported: answers are not constrained to JSON;"
                            + " ask for JSON in the prompt and check the answer");
        }
    }

    private static void checkBestOf(Fields fields) {
        long choices = fields.raw("n") instanceof Integer n ? n : 1;
        if (fields.has("best_of") && !fields.raw("best_of").equals((int) choices)) {
            fields.problem(
                    ProblemCode.UNSUPPORTED_PARAMETER,
                    "best_of",
                    "only best_of equal to n is supported");
        }
    }

    private static List<Map<String, Object>> messages(Fields fields) {
        var messages = new ArrayList<Map<String, Object>>();
        if (!(fields.raw("messages") instanceof List<?> list) || list.isEmpty()) {
            fields.problem(
                    ProblemCode.MISSING_REQUIRED_PARAMETER,
                    "messages",
                    "a list of at least one message is required");
            return messages;
        }
        for (int i = 0; i < list.size(); i++) {
            Map<String, Object> message = message(list.get(i), "messages[" + i + "]", fields);
            if (message != null) {
                messages.add(message);
            }
        }
        return messages;
    }

    private static @Nullable Map<String, Object> message(
            @Nullable Object item, String param, Fields fields) {
        if (!(item instanceof Map<?, ?> map) || !ROLES.contains(String.valueOf(map.get("role")))) {
            fields.problem(
                    ProblemCode.INVALID_VALUE,
                    param,
                    "expected an object with a role of " + new TreeSet<>(ROLES));
            return null;
        }
        var message = new HashMap<String, Object>();
        map.forEach((key, value) -> {
            if (value != null) {
                message.put(String.valueOf(key), value);
            }
        });
        Object content = map.get("content");
        if (content instanceof List<?> parts) {
            message.put("content", content(parts, param + ".content", fields));
        } else if (content != null && !(content instanceof String)) {
            fields.problem(
                    ProblemCode.INVALID_VALUE,
                    param + ".content",
                    "expected a string or a list of parts");
        } else if (content == null && !map.containsKey("tool_calls")) {
            fields.problem(
                    ProblemCode.MISSING_REQUIRED_PARAMETER, param + ".content", "is required");
        }
        if (map.get("tool_calls") instanceof List<?> calls) {
            message.put("tool_calls", ToolRules.readable(calls));
        }
        if ("tool".equals(map.get("role")) && !(map.get("tool_call_id") instanceof String)) {
            fields.problem(
                    ProblemCode.MISSING_REQUIRED_PARAMETER,
                    param + ".tool_call_id",
                    "is required in a message of role tool");
        }
        if ("developer".equals(map.get("role"))) {
            message.put("role", "system");
        }
        return message;
    }

    /// One text, or the parts themselves where pictures stand among them.
    private static Object content(List<?> parts, String param, Fields fields) {
        var text = new StringBuilder();
        boolean pictures = false;
        for (Object part : parts) {
            if (part instanceof Map<?, ?> map
                    && "text".equals(map.get("type"))
                    && map.get("text") instanceof String piece) {
                text.append(piece);
            } else if (isPicture(part)) {
                pictures = true;
            } else {
                fields.problem(
                        ProblemCode.UNSUPPORTED_PARAMETER,
                        param,
                        "only parts of type text and image_url, with a data: address, are supported");
            }
        }
        return pictures ? List.copyOf(parts) : text.toString();
    }

    private static boolean isPicture(@Nullable Object part) {
        return part instanceof Map<?, ?> map
                && "image_url".equals(map.get("type"))
                && map.get("image_url") instanceof Map<?, ?> picture
                && picture.get("url") instanceof String url
                && url.startsWith("data:image/");
    }

    private static List<Ask.Prompt> prompts(Fields fields) {
        Object prompt = fields.raw("prompt");
        boolean several =
                prompt instanceof List<?> list
                        && !list.isEmpty()
                        && list.size() <= PROMPTS_MAX
                        && list.stream().noneMatch(Integer.class::isInstance);
        List<?> wanted = several ? (List<?>) prompt : List.of(prompt);
        var prompts = new ArrayList<Ask.Prompt>();
        SpecialText special =
                fields.flag(WritingRules.PARSES_SPECIAL) ? SpecialText.PARSED : SpecialText.USER;
        for (Object item : wanted) {
            prompt(item, special).ifPresent(prompts::add);
        }
        if (prompts.isEmpty() || prompts.size() < wanted.size()) {
            fields.problem(
                    ProblemCode.INVALID_VALUE,
                    "prompt",
                    "expected a non-empty string, a list of token ids, or at most %d of these"
                            .formatted(PROMPTS_MAX));
        }
        return prompts;
    }

    private static Optional<Ask.Prompt> prompt(@Nullable Object item, SpecialText special) {
        if (item instanceof String text && !text.isEmpty()) {
            return Optional.of(new Ask.Text(text, special));
        }
        if (item instanceof List<?> list
                && !list.isEmpty()
                && list.stream().allMatch(Integer.class::isInstance)) {
            return Optional.of(
                    new Ask.Tokens(list.stream().mapToInt(id -> (Integer) id).toArray()));
        }
        return Optional.empty();
    }

    private SamplingOptions sampling(Fields fields, Map<String, Object> body, int topLogprobs) {
        boolean changed =
                Stream.of("presence_penalty", "frequency_penalty", "logit_bias")
                        .anyMatch(fields::has);
        if (fields.flag("x_raw_logprobs") && changed) {
            fields.problem(
                    ProblemCode.UNSUPPORTED_PARAMETER,
                    "x_raw_logprobs",
                    "cannot be combined with penalties and logit_bias");
        }
        long seed =
                fields.whole("seed", Long.MIN_VALUE, Long.MAX_VALUE).orElseGet(random::nextLong);
        return new SamplingOptions(
                fields.number("temperature", 1, 0, 2),
                fields.number("top_p", 1, 0, 1),
                fields.whole("top_k", 0, Integer.MAX_VALUE).orElse(0L).intValue(),
                fields.number("min_p", 0, 0, 1),
                fields.number("presence_penalty", 0, -2, 2),
                fields.number("frequency_penalty", 0, -2, 2),
                fields.number("x_repetition_penalty", 1, 0.01, 10),
                bias(fields, body.get("logit_bias")),
                seed,
                topLogprobs);
    }

    private static Map<Integer, Double> bias(Fields fields, @Nullable Object value) {
        var bias = new HashMap<Integer, Double>();
        if (value == null) {
            return bias;
        }
        if (!(value instanceof Map<?, ?> map)) {
            fields.problem(
                    ProblemCode.INVALID_VALUE,
                    "logit_bias",
                    "expected an object from token id to number");
            return bias;
        }
        map.forEach((key, amount) -> {
            boolean isId = key instanceof String id && id.matches("[0-9]{1,9}");
            if (isId
                    && amount instanceof Number number
                    && Math.abs(number.doubleValue()) <= BIAS_MAX) {
                bias.put(Integer.parseInt((String) key), number.doubleValue());
            } else {
                fields.problem(
                        ProblemCode.INVALID_VALUE,
                        "logit_bias." + key,
                        "expected a token id with a number from -100 to 100");
            }
        });
        return bias;
    }

    private static Ask.Delivery delivery(Fields fields, boolean echo) {
        boolean usage =
                fields.raw("stream_options") instanceof Map<?, ?> options
                        && Boolean.TRUE.equals(options.get("include_usage"));
        return new Ask.Delivery(fields.flag("stream"), usage, echo);
    }
}
