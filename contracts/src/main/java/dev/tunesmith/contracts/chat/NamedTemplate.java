package dev.tunesmith.contracts.chat;

import dev.tunesmith.contracts.tool.ToolFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// How a family of models wants conversations to be written.
///
/// @param tools how tools are described and called
/// @param defaultSystem the system text of dialogues that bring none
public record NamedTemplate(
        String name,
        Kind kind,
        Slots slots,
        ToolFormat tools,
        String defaultSystem,
        Ending ending,
        Marks marks) {

    /// What is special about a template.
    public enum Kind {
        PLAIN,
        /// The system text stands inside the first question.
        SYSTEM_IN_FIRST_QUESTION,
        /// Answers begin with a thought.
        REASONING,
        /// The same; an empty thought is the closing mark alone.
        REASONING_SHORT,
        /// Without a system text the description of tools begins without line feeds.
        TRIMMED_TOOLS
    }

    /// What stands around the parts of a conversation.
    record Slots(
            List<Slot> prefix,
            List<Slot> system,
            List<Slot> user,
            List<Slot> answer,
            List<Slot> call,
            List<Slot> result,
            Optional<List<Slot>> toolList) {}

    /// How answers end.
    ///
    /// @param stopWords tokens after which nothing more is written
    /// @param efficient whether the end token is not written between turns
    /// @param replacesEnd whether the first stop word is the end token
    public record Ending(List<String> stopWords, boolean efficient, boolean replacesEnd) {
        public Ending {
            stopWords = List.copyOf(stopWords);
        }

        /// The end token that the template puts in place of the tokenizer's own.
        public Optional<String> endToken() {
            return replacesEnd ? Optional.of(stopWords.getFirst()) : Optional.empty();
        }
    }

    /// Words around thoughts and calls in the text of a row, and placeholders of media.
    public record Marks(
            String thoughtOpen,
            String thoughtClose,
            String callOpen,
            String callClose,
            Map<String, String> media) {
        public Marks {
            media = Map.copyOf(media);
        }
    }

    /// Whether answers begin with a thought.
    public boolean thinks() {
        return kind == Kind.REASONING || kind == Kind.REASONING_SHORT;
    }

    /// The same template with another system text for dialogues that bring none.
    public NamedTemplate withDefaultSystem(String text) {
        return new NamedTemplate(name, kind, slots, tools, text, ending, marks);
    }

    /// The same template with another way to describe and call tools.
    public NamedTemplate withTools(ToolFormat format) {
        List<Slot> call = Slot.parse(ending.efficient() ? "{}" : "{}{eos}");
        Slots other =
                new Slots(
                        slots.prefix(),
                        slots.system(),
                        slots.user(),
                        slots.answer(),
                        call,
                        slots.result(),
                        Optional.empty());
        return new NamedTemplate(name, kind, other, format, defaultSystem, ending, marks);
    }
}
