package dev.tunesmith.contracts.tool;

import java.time.LocalDate;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Pattern;

/// How a family of models is told of tools and how it calls them.
public enum ToolFormat {
    DEFAULT,
    GEMMA4,
    GLM4,
    GLM4_MOE,
    LFM2,
    LING,
    LLAMA3,
    MINIMAX1,
    MINIMAX2,
    MISTRAL,
    QWEN,
    QWEN3_5,
    SEED_OSS;

    /// How strictly an answer is read.
    public enum Reading {
        /// What the writer of the same format writes is found again.
        EXACT,
        /// As LLaMA-Factory reads, which for some formats does not know what it writes itself.
        AS_LLAMA_FACTORY
    }

    /// The format of a name, if there is one.
    public static Optional<ToolFormat> named(String name) {
        return Arrays.stream(values()).filter(format -> format.wireName().equals(name)).findAny();
    }

    public String wireName() {
        return name().toLowerCase(Locale.ROOT);
    }

    /// What stands around calls in an answer.
    public record Marks(String open, String close) {}

    /// The marks of the format; nothing where a call is the whole answer.
    public Optional<Marks> marks() {
        return switch (this) {
            case QWEN, LING, QWEN3_5, GLM4_MOE ->
                    Optional.of(new Marks("<tool_call>", "</tool_call>"));
            case SEED_OSS -> Optional.of(new Marks("<seed:tool_call>", "</seed:tool_call>"));
            case MINIMAX1 -> Optional.of(new Marks("<tool_calls>", "</tool_calls>"));
            case MINIMAX2 -> Optional.of(new Marks("<minimax:tool_call>", "</minimax:tool_call>"));
            case LFM2 -> Optional.of(new Marks("<|tool_call_start|>", "<|tool_call_end|>"));
            case GEMMA4 -> Optional.of(new Marks("<|tool_call>", "<tool_call|>"));
            case DEFAULT, GLM4, LLAMA3, MISTRAL -> Optional.empty();
        };
    }

    /// Whether an answer that begins like this may still become a call, where nothing marks calls.
    public boolean mayBeCall(String begin) {
        String text = begin.strip();
        return switch (this) {
            case LLAMA3, MISTRAL -> text.isEmpty() || text.startsWith("{") || text.startsWith("[");
            case GLM4 -> NAME_AND_OBJECT.matcher(text).matches();
            case DEFAULT,
                    GEMMA4,
                    GLM4_MOE,
                    LFM2,
                    LING,
                    MINIMAX1,
                    MINIMAX2,
                    QWEN,
                    QWEN3_5,
                    SEED_OSS ->
                    true;
        };
    }

    /// The format that a model's own chat template shows, if it is one of these.
    public static Optional<ToolFormat> shownBy(String template) {
        for (Sign sign : SIGNS) {
            if (sign.words().stream().allMatch(template::contains)) {
                return Optional.of(sign.format());
            }
        }
        return Optional.empty();
    }

    /// A name in a line of its own, and the begin of an object behind it.
    private static final Pattern NAME_AND_OBJECT =
            Pattern.compile("[^\\s{]{0,64}+(?:\\n\\s*+(?:\\{.*+)?)?", Pattern.DOTALL);

    /// Words that only templates of a format have.
    private record Sign(ToolFormat format, List<String> words) {}

    /// The more special ones first.
    private static final List<Sign> SIGNS =
            List.of(
                    new Sign(SEED_OSS, List.of("<seed:tool_call>")),
                    new Sign(MINIMAX2, List.of("<minimax:tool_call>")),
                    new Sign(MINIMAX1, List.of("<tool_calls>", "</tool_calls>")),
                    new Sign(LFM2, List.of("<|tool_call_start|>")),
                    new Sign(GEMMA4, List.of("<|tool_call>", "<tool_call|>")),
                    new Sign(GLM4_MOE, List.of("<tool_call>", "<arg_key>")),
                    new Sign(QWEN3_5, List.of("<tool_call>", "<function=")),
                    new Sign(LING, List.of("<tool_call>", "detailed thinking off")),
                    new Sign(QWEN, List.of("<tool_call>")),
                    new Sign(GLM4, List.of("在调用上述函数时")),
                    new Sign(LLAMA3, List.of("ipython", "parameters")),
                    new Sign(LLAMA3, List.of("\"parameters\": dictionary of argument name")),
                    new Sign(MISTRAL, List.of("[TOOL_CALLS]")),
                    new Sign(MISTRAL, List.of("[AVAILABLE_TOOLS]")),
                    new Sign(DEFAULT, List.of("Action Input:")));

    /// What a system message says of the tools.
    ///
    /// @param tools JSON objects: functions, bare or wrapped in `{"type": "function", …}`
    /// @param today some formats tell the model the date
    /// @throws MalformedCallException if a tool has no name
    public String description(List<?> tools, LocalDate today) {
        return ToolLists.text(this, tools, today);
    }

    /// The answer that makes these calls.
    ///
    /// @throws MalformedCallException if the format cannot express them
    public String text(List<ToolCall> calls) {
        return CallTexts.text(this, calls);
    }

    /// The calls that an answer makes; none if it is a plain text. Never fails.
    public List<ToolCall> calls(String answer, Reading reading) {
        return calls(answer, reading, Signatures.UNKNOWN);
    }

    /// The same where it is known which functions there are and what they take: a parameter that is
    /// a text stays one where formats write texts bare.
    public List<ToolCall> calls(String answer, Reading reading, Signatures functions) {
        return new CallFinder(this, reading, functions).calls(answer);
    }
}
