package dev.tunesmith.contracts.tool;

import java.time.LocalDate;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

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
        return new CallFinder(this, reading).calls(answer);
    }
}
