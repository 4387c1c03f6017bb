package dev.tunesmith.contracts.chat;

import dev.tunesmith.contracts.chat.NamedTemplate.Ending;
import dev.tunesmith.contracts.chat.NamedTemplate.Kind;
import dev.tunesmith.contracts.chat.NamedTemplate.Marks;
import dev.tunesmith.contracts.chat.NamedTemplate.Slots;
import dev.tunesmith.contracts.tool.Notation;
import dev.tunesmith.contracts.tool.ToolFormat;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// The templates that jobs can name.
public final class NamedTemplates {

    private static final Map<String, NamedTemplate> ALL = read();

    private NamedTemplates() {}

    /// The template of a name, if there is one.
    public static Optional<NamedTemplate> find(String name) {
        return Optional.ofNullable(ALL.get(name));
    }

    /// The template that a source was made of, by whatever build, if it was made of one.
    public static Optional<NamedTemplate> written(String source) {
        return WrittenTemplate.of(source);
    }

    /// All names, in the order of the table.
    public static Set<String> names() {
        return ALL.keySet();
    }

    private static Map<String, NamedTemplate> read() {
        Map<String, Map<String, String>> tables = new LinkedHashMap<>();
        Map<String, String> current = new LinkedHashMap<>();
        for (Notation.Entry entry : Notation.entries(NamedTemplates.class, "named-templates.txt")) {
            if (entry.key().equals("template")) {
                String[] head = entry.value().split(" like ");
                current =
                        head.length == 1
                                ? new LinkedHashMap<>()
                                : new LinkedHashMap<>(tables.getOrDefault(head[1], Map.of()));
                tables.put(head[0], current);
            } else if (entry.value().isEmpty()) {
                current.remove(entry.key());
            } else {
                current.put(entry.key(), entry.value());
            }
        }
        Map<String, NamedTemplate> templates = new LinkedHashMap<>();
        tables.forEach((name, table) -> templates.put(name, new Table(name, table).template()));
        return Collections.unmodifiableMap(templates);
    }

    /// The lines of one template.
    private record Table(String name, Map<String, String> lines) {

        NamedTemplate template() {
            boolean efficient = lines.containsKey("efficient-eos");
            List<Slot> content = Slot.parse("{}");
            List<Slot> user = slots("user").orElse(content);
            List<Slot> answer = slots("answer").orElse(efficient ? content : Slot.parse("{}{eos}"));
            Slots all =
                    new Slots(
                            slots("prefix").orElse(List.of()),
                            slots("system").orElse(content),
                            user,
                            answer,
                            slots("call").orElse(answer),
                            slots("result").orElse(user),
                            slots("tool-list"));
            return new NamedTemplate(
                    name,
                    Kind.valueOf(
                            lines.getOrDefault("kind", "plain")
                                    .toUpperCase(Locale.ROOT)
                                    .replace('-', '_')),
                    all,
                    ToolFormat.named(lines.getOrDefault("tools", "default")).orElseThrow(),
                    text("default-system", ""),
                    new Ending(
                            lines.containsKey("stop")
                                    ? List.of(lines.get("stop").split(" "))
                                    : List.of(),
                            efficient,
                            lines.containsKey("replace-eos")),
                    marks());
        }

        private Marks marks() {
            Map<String, String> media = new LinkedHashMap<>();
            for (String kind : List.of("image", "video", "audio")) {
                if (lines.containsKey(kind)) {
                    media.put(kind, text(kind, ""));
                }
            }
            return new Marks(
                    text("thought-open", "<think>\n"),
                    text("thought-close", "\n</think>\n\n"),
                    text("call-open", "<tool_call>"),
                    text("call-close", "</tool_call>"),
                    media);
        }

        private Optional<List<Slot>> slots(String key) {
            return Optional.ofNullable(lines.get(key)).map(Slot::parse);
        }

        private String text(String key, String absent) {
            return lines.containsKey(key) ? Notation.text(lines.get(key)) : absent;
        }
    }
}
