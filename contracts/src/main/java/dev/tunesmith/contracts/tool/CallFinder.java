package dev.tunesmith.contracts.tool;

import dev.tunesmith.contracts.jinja.TextMethods;
import dev.tunesmith.contracts.tool.ToolFormat.Reading;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/// Finds calls in what a model wrote.
///
/// One broken call makes the whole answer a text: what is left out could be what matters.
final class CallFinder {

    private static final Pattern ACTION =
            Pattern.compile("Action:\\s*([a-zA-Z0-9_]+)\\s*Action Input:\\s*");
    private static final Pattern NEXT_ACTION = Pattern.compile("\\s*(?:Action:|$)");
    private static final Pattern GEMMA_KEY =
            Pattern.compile("(^|[{\\s,])([A-Za-z_][A-Za-z0-9_]*)(\\s*:)");

    private final ToolFormat format;
    private final Reading reading;
    private final Signatures functions;

    CallFinder(ToolFormat format, Reading reading, Signatures functions) {
        this.format = format;
        this.reading = reading;
        this.functions = functions;
    }

    List<ToolCall> calls(String answer) {
        try {
            return found(answer);
        } catch (MalformedCallException _) {
            return List.of();
        }
    }

    private List<ToolCall> found(String answer) {
        boolean exact = reading == Reading.EXACT;
        return switch (format) {
            case DEFAULT -> actions(answer);
            case GEMMA4 -> gemma(answer);
            case GLM4 -> nameAndArguments(answer);
            case GLM4_MOE -> exact ? glmTags(answer) : tagged(answer);
            case QWEN, LING -> tagged(answer);
            case QWEN3_5 -> functions(answer, "<tool_call>", "</tool_call>", true);
            case SEED_OSS -> functions(answer, "<seed:tool_call>", "</seed:tool_call>", exact);
            case LLAMA3 -> whole(answer, "parameters");
            case MISTRAL -> whole(answer, "arguments");
            case MINIMAX1 -> lines(answer);
            case MINIMAX2 -> invocations(answer);
            case LFM2 -> PythonCalls.of(answer, exact);
        };
    }

    static MalformedCallException broken(String reason) {
        return new MalformedCallException(reason);
    }

    static String strip(String text) {
        return TextMethods.strip(text, null, true, true);
    }

    static ToolCall call(@Nullable Object name, @Nullable Object arguments) {
        if (!(name instanceof String text) || !Json.isSound(arguments)) {
            throw broken("a call needs a name, and numbers that JSON has");
        }
        return new ToolCall(text, Json.line(arguments));
    }

    private static ToolCall call(@Nullable Object tree, String key) {
        if (tree instanceof Map<?, ?> map && map.containsKey("name") && map.containsKey(key)) {
            return call(map.get("name"), map.get(key));
        }
        throw broken("a call is an object with name and " + key);
    }

    private static List<ToolCall> actions(String answer) {
        List<ToolCall> calls = new ArrayList<>();
        Matcher header = ACTION.matcher(answer);
        Matcher border = NEXT_ACTION.matcher(answer);
        int from = 0;
        while (header.find(from)) {
            int begin = header.end();
            if (begin == answer.length() && answer.endsWith(":")) {
                break;
            }
            Optional<JsonReader.Prefix> value = JsonReader.prefix(answer, begin);
            if (value.isPresent()
                    && border.region(value.get().end(), answer.length()).lookingAt()) {
                calls.add(call(header.group(1), value.get().value()));
                from = value.get().end();
                continue;
            }
            int next = answer.indexOf("Action:", Math.min(begin + 1, answer.length()));
            int end = next < 0 ? answer.length() : next;
            String input = strip(answer.substring(begin, end));
            input = TextMethods.strip(input, "\"", true, true);
            input = TextMethods.strip(input, "`", true, true);
            calls.add(call(header.group(1), JsonReader.read(input)));
            from = end;
        }
        return calls;
    }

    private List<ToolCall> nameAndArguments(String answer) {
        int end = answer.indexOf('\n');
        if (end < 0 || !functions.allows(answer.substring(0, end))) {
            return List.of();
        }
        Object arguments = JsonReader.read(strip(answer.substring(end + 1)));
        return List.of(call(answer.substring(0, end), arguments));
    }

    private static List<ToolCall> whole(String answer, String key) {
        Object tree = JsonReader.read(strip(answer));
        List<?> list =
                tree instanceof List<?> many ? many : java.util.Collections.singletonList(tree);
        return list.stream().map(one -> call(one, key)).toList();
    }

    /// JSON objects between tags; behind a closing tag stands another call or nothing.
    private static List<ToolCall> tagged(String answer) {
        List<ToolCall> calls = new ArrayList<>();
        int open = answer.indexOf("<tool_call>");
        while (open >= 0) {
            int begin = open + "<tool_call>".length();
            int close = closing(answer, Math.min(begin + 1, answer.length()));
            if (close < 0) {
                break;
            }
            calls.add(call(JsonReader.read(strip(answer.substring(begin, close))), "arguments"));
            open = answer.indexOf("<tool_call>", close);
        }
        return calls;
    }

    private static int closing(String answer, int from) {
        int close = answer.indexOf("</tool_call>", from);
        while (close >= 0) {
            int behind = close + "</tool_call>".length();
            int next = skipSpace(answer, behind);
            if (next == answer.length() || answer.startsWith("<tool_call>", next)) {
                return close;
            }
            close = answer.indexOf("</tool_call>", behind);
        }
        return -1;
    }

    private static int skipSpace(String text, int from) {
        int at = from;
        while (at < text.length() && TextMethods.space(text.charAt(at))) {
            at++;
        }
        return at;
    }

    /// What stands between two marks from a place on, with at least one character.
    private static Optional<String> between(String text, String open, String close) {
        int begin = text.indexOf(open);
        int end =
                begin < 0
                        ? -1
                        : text.indexOf(close, Math.min(begin + open.length() + 1, text.length()));
        return end < 0
                ? Optional.empty()
                : Optional.of(strip(text.substring(begin + open.length(), end)));
    }

    /// One JSON object a line; lines that are none are passed over.
    private static List<ToolCall> lines(String answer) {
        List<ToolCall> calls = new ArrayList<>();
        for (String line :
                between(answer, "<tool_calls>", "</tool_calls>").orElse("").split("\n")) {
            if (!strip(line).isEmpty()) {
                readable(strip(line)).ifPresent(tree -> calls.add(call(tree.value(), "arguments")));
            }
        }
        return calls;
    }

    private static Optional<JsonReader.Prefix> readable(String text) {
        return JsonReader.prefix(text, 0).filter(found -> found.end() == text.length());
    }

    /// What a parameter's text says: as its schema has it; without one JSON if it is, otherwise the
    /// text.
    private @Nullable Object value(String function, String parameter, String raw) {
        boolean lines = format == ToolFormat.QWEN3_5;
        Optional<JsonReader.Prefix> value = readable(strip(raw));
        if (value.isPresent() && functions.takes(function, parameter, value.get().value())) {
            return value.get().value();
        }
        if (lines && functions.mayBeText(function, parameter)) {
            // The format itself writes a line feed before and behind the text.
            int begin = raw.startsWith("\n") ? 1 : 0;
            int end = raw.length() - (raw.length() > begin && raw.endsWith("\n") ? 1 : 0);
            return raw.substring(begin, end);
        }
        return lines ? strip(raw) : raw;
    }

    private List<ToolCall> invocations(String answer) {
        String inside = between(answer, "<minimax:tool_call>", "</minimax:tool_call>").orElse("");
        List<ToolCall> calls = new ArrayList<>();
        for (Block call : Block.all(inside, "<invoke name=\"", "\">", "</invoke>")) {
            Map<String, @Nullable Object> arguments = new LinkedHashMap<>();
            String name = strip(call.name());
            for (Block one :
                    Block.all(call.inside(), "<parameter name=\"", "\">", "</parameter>")) {
                arguments.put(one.name(), value(name, one.name(), one.inside()));
            }
            calls.add(call(name, arguments));
        }
        return calls;
    }

    /// `<function=NAME …>` with parameters, between tags.
    private List<ToolCall> functions(
            String answer, String open, String close, boolean bracketEndsName) {
        List<ToolCall> calls = new ArrayList<>();
        Pattern pattern =
                Pattern.compile(
                        "%s\\s*+<function=\\s*+([^\\s<%s]+)%s"
                                .formatted(
                                        Pattern.quote(open),
                                        bracketEndsName ? ">" : "",
                                        bracketEndsName ? ">?" : ""));
        Pattern end = Pattern.compile("</function>\\s*+" + Pattern.quote(close));
        Matcher begins = pattern.matcher(answer);
        Matcher ends = end.matcher(answer);
        int from = 0;
        while (begins.find(from) && ends.find(begins.end())) {
            Map<String, @Nullable Object> arguments = new LinkedHashMap<>();
            String inside = answer.substring(begins.end(), ends.start());
            for (Block one : Block.all(inside, "<parameter=", ">", "</parameter>")) {
                arguments.put(one.name(), value(begins.group(1), one.name(), one.inside()));
            }
            calls.add(call(begins.group(1), arguments));
            from = ends.end();
        }
        return calls;
    }

    /// `<tool_call>NAME` with keys and values; JSON inside the tags is read too.
    private List<ToolCall> glmTags(String answer) {
        List<ToolCall> calls = new ArrayList<>();
        int open = answer.indexOf("<tool_call>");
        while (open >= 0) {
            int begin = open + "<tool_call>".length();
            int close = closing(answer, begin);
            if (close < 0) {
                break;
            }
            String inside = answer.substring(begin, close);
            int keys = inside.indexOf("<arg_key>");
            String name = strip(keys < 0 ? inside : inside.substring(0, keys));
            if (name.isEmpty() || name.startsWith("{")) {
                return tagged(answer);
            }
            calls.add(call(name, glmArguments(name, inside)));
            open = answer.indexOf("<tool_call>", close);
        }
        return calls;
    }

    private Map<String, @Nullable Object> glmArguments(String function, String inside) {
        Map<String, @Nullable Object> arguments = new LinkedHashMap<>();
        for (Block one : Block.all(inside, "<arg_key>", "</arg_key>", "</arg_value>")) {
            int begin = one.inside().indexOf("<arg_value>");
            if (begin < 0) {
                throw broken("a key without a value");
            }
            String raw = one.inside().substring(begin + "<arg_value>".length());
            arguments.put(one.name(), value(function, one.name(), raw));
        }
        return arguments;
    }

    private List<ToolCall> gemma(String answer) {
        List<ToolCall> calls = new ArrayList<>();
        Matcher begins = Pattern.compile("<\\|tool_call>call:([^{\\s]+)\\{").matcher(answer);
        int from = 0;
        while (begins.find(from)) {
            int end = answer.indexOf("}<tool_call|>", begins.end());
            if (end < 0) {
                break;
            }
            String inside = strip(answer.substring(begins.end(), end));
            String name = strip(begins.group(1));
            Optional<JsonReader.Prefix> arguments = readable(gemmaJson(inside));
            if (arguments.isEmpty()) {
                arguments = readable(inside);
            }
            if (arguments.isPresent()) {
                calls.add(call(name, arguments.get().value()));
            } else if (reading == Reading.AS_LLAMA_FACTORY) {
                calls.add(new ToolCall(name, inside));
            } else {
                throw broken("arguments that cannot be read");
            }
            from = end;
        }
        return calls;
    }

    /// Texts between marks become JSON texts, bare keys outside of them get quotes.
    private String gemmaJson(String inside) {
        StringBuilder json = new StringBuilder();
        String[] parts = ("{" + inside + "}").split(Pattern.quote("<|\"|>"), -1);
        boolean pairs = parts.length % 2 == 1;
        for (int i = 0; i < parts.length; i++) {
            boolean inMarks = i % 2 == 1 && (pairs || i < parts.length - 1);
            json.append(inMarks ? Json.line(parts[i]) : parts[i]);
            if (!inMarks && i % 2 == 1) {
                json.insert(json.length() - parts[i].length(), "<|\"|>");
            }
        }
        return reading == Reading.AS_LLAMA_FACTORY
                ? GEMMA_KEY.matcher(json).replaceAll("$1\"$2\"$3")
                : keysOutsideTexts(json.toString());
    }

    /// As the replacement of keys, but a text that looks like one stays as it is.
    private static String keysOutsideTexts(String json) {
        StringBuilder quoted = new StringBuilder();
        int from = 0;
        while (from < json.length()) {
            int begin = json.indexOf('"', from);
            int end = begin < 0 ? json.length() : begin;
            quoted.append(GEMMA_KEY.matcher(json.substring(from, end)).replaceAll("$1\"$2\"$3"));
            if (begin < 0) {
                break;
            }
            int close = begin + 1;
            while (close < json.length() && json.charAt(close) != '"') {
                close += json.charAt(close) == '\\' ? 2 : 1;
            }
            from = Math.min(close + 1, json.length());
            quoted.append(json, begin, from);
        }
        return quoted.toString();
    }

    /// A named block between marks.
    private record Block(String name, String inside) {

        /// All blocks `open NAME middle INSIDE close`, in order.
        static List<Block> all(String text, String open, String middle, String close) {
            List<Block> blocks = new ArrayList<>();
            int begin = text.indexOf(open);
            while (begin >= 0) {
                int name = begin + open.length();
                int inside = text.indexOf(middle, name);
                int end = inside < 0 ? -1 : text.indexOf(close, inside + middle.length());
                if (end < 0) {
                    break;
                }
                blocks.add(
                        new Block(
                                text.substring(name, inside),
                                text.substring(inside + middle.length(), end)));
                begin = text.indexOf(open, end + close.length());
            }
            return blocks;
        }
    }
}
