package dev.tunesmith.engine.data;

import dev.tunesmith.contracts.dataset.Cell;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// A row of a training file, as the engine uses it.
public sealed interface TrainingRow {

    /// A document for pre-training.
    record Text(String text) implements TrainingRow {}

    /// A conversation for supervised training.
    record Chat(Conversation conversation) implements TrainingRow {}

    /// Two answers to one prompt.
    ///
    /// @param prompt the turns before the answers; none of them is trained
    /// @param margin by how much the chosen answer is better
    record Pair(Conversation prompt, Conversation chosen, Conversation rejected, float margin)
            implements TrainingRow {}

    /// An answer and a verdict on it.
    ///
    /// @param prompt the turns before the answer; none of them is trained
    record Judged(Conversation prompt, Conversation answer, boolean desirable)
            implements TrainingRow {}

    /// A row with a verdict: TRL's `prompt`, `completion`, `label`, or LLaMA-Factory's `messages`
    /// with `kto_tag`.
    static Judged judged(Map<String, Object> tree) {
        Object verdict = tree.containsKey("label") ? tree.get("label") : tree.get("kto_tag");
        Optional<Boolean> known = Cell.verdict(verdict);
        if (known.isEmpty()) {
            throw new UnusableRowException("label", "a verdict is needed, true or false");
        }
        boolean desirable = known.get();
        if (tree.get("messages") instanceof List<?> list && !list.isEmpty()) {
            Conversation all = conversation(list, "messages");
            int last = all.messages().size() - 1;
            if (!Conversation.isAnswer(all.messages().get(last))) {
                throw new UnusableRowException("messages", "the last message is no answer");
            }
            return new Judged(
                    all.without(last, last + 1).untrained().withTools(tools(tree)),
                    all.without(0, last),
                    desirable);
        }
        return new Judged(
                prompt(tree.get("prompt")).untrained().withTools(tools(tree)),
                turns(tree, "completion"),
                desirable);
    }

    /// A conversation that the model itself goes on with. Of a whole one, which ends with an
    /// answer, that answer is left out.
    static Conversation prompt(Map<String, Object> tree) {
        Conversation prompt =
                tree.get("messages") instanceof List<?> list
                        ? conversation(list, "messages")
                        : tree.get("prompt") == null
                                ? conversation(List.of(), "messages")
                                : prompt(tree.get("prompt"));
        if (prompt.messages().isEmpty()) {
            throw new UnusableRowException("messages", "a list of messages is needed");
        }
        int last = prompt.messages().size() - 1;
        boolean whole = tree.get("messages") instanceof List<?> && last > 0;
        Conversation asked =
                whole && Conversation.isAnswer(prompt.messages().get(last))
                        ? prompt.without(last, last + 1)
                        : prompt;
        if (Conversation.isAnswer(asked.messages().getLast())) {
            throw new UnusableRowException(
                    "messages", "ends with an assistant message, so there is nothing to answer");
        }
        return asked.withTools(tools(tree));
    }

    /// A plain-text row: `{"text": …}`.
    static Text text(Map<String, Object> tree) {
        if (!(tree.get("text") instanceof String text)) {
            throw new UnusableRowException("text", "a text is needed for pre-training");
        }
        if (text.isEmpty()) {
            throw new UnusableRowException("text", "the text is empty");
        }
        return new Text(text);
    }

    /// A conversation row: `{"messages": […]}` as in OpenAI fine-tuning files, or `{"prompt": …,
    /// "completion": …}` as texts or conversations, of which only the completion is trained.
    static Chat chat(Map<String, Object> tree) {
        if (tree.get("prompt") != null && !(tree.get("messages") instanceof List)) {
            return new Chat(
                    prompt(tree.get("prompt"))
                            .untrained()
                            .withTools(tools(tree))
                            .then(turns(tree, "completion")));
        }
        if (!(tree.get("messages") instanceof List<?> list)) {
            throw new UnusableRowException("messages", "a list of messages is needed");
        }
        Conversation conversation = conversation(list, "messages");
        if (conversation.weights().isEmpty()) {
            throw new UnusableRowException(
                    "messages", "no assistant message, so there is nothing to train");
        }
        return new Chat(conversation.withTools(tools(tree)));
    }

    /// Functions that the answers of a row may call.
    private static List<Map<String, Object>> tools(Map<?, ?> tree) {
        List<Map<String, Object>> tools = new ArrayList<>();
        if (tree.get("tools") instanceof List<?> list) {
            for (Object entry : list) {
                if (!(entry instanceof Map<?, ?> map)) {
                    throw new UnusableRowException("tools", "a function is a JSON object");
                }
                Map<String, Object> tool = new LinkedHashMap<>();
                map.forEach((key, value) -> tool.put(key.toString(), value));
                tools.add(tool);
            }
        }
        return tools;
    }

    private static Conversation conversation(List<?> list, String place) {
        List<Map<String, Object>> messages = new ArrayList<>();
        List<Float> weights = new ArrayList<>();
        for (int i = 0; i < list.size(); i++) {
            Map<String, Object> message = message(list.get(i), "%s[%d]".formatted(place, i));
            messages.add(message);
            if (Conversation.isAnswer(message)) {
                weights.add(message.get("weight") instanceof Number n ? n.floatValue() : 1f);
            }
        }
        return new Conversation(messages, weights);
    }

    /// A preference row: OpenAI's `input`, `preferred_output` and `non_preferred_output`, or TRL's
    /// `prompt`, `chosen` and `rejected`.
    static Pair pair(Map<String, Object> tree) {
        float margin = Cell.number(tree.get("margin")).orElse(0.0).floatValue();
        if (tree.containsKey("preferred_output")) {
            List<?> input =
                    tree.get("input") instanceof Map<?, ?> map
                                    && map.get("messages") instanceof List<?> list
                            ? list
                            : List.of();
            return new Pair(
                    conversation(input, "input.messages")
                            .untrained()
                            .withTools(
                                    tree.get("input") instanceof Map<?, ?> map
                                            ? tools(map)
                                            : List.of()),
                    turns(tree, "preferred_output"),
                    turns(tree, "non_preferred_output"),
                    margin);
        }
        Conversation chosen = turns(tree, "chosen");
        Conversation rejected = turns(tree, "rejected");
        Object prompt = tree.get("prompt");
        if (prompt != null) {
            return new Pair(
                    prompt(prompt).untrained().withTools(tools(tree)), chosen, rejected, margin);
        }
        int common = chosen.commonTurns(rejected);
        return new Pair(
                chosen.without(common, chosen.messages().size()).untrained().withTools(tools(tree)),
                chosen.without(0, common),
                rejected.without(0, common),
                margin);
    }

    private static Conversation prompt(@Nullable Object prompt) {
        return prompt instanceof List<?> list
                ? conversation(list, "prompt")
                : conversation(
                        List.of(Map.of("role", "user", "content", String.valueOf(prompt))),
                        "prompt");
    }

    private static Conversation turns(Map<String, Object> tree, String key) {
        return switch (tree.get(key)) {
            case List<?> list -> conversation(list, key);
            case String text ->
                    conversation(List.of(Map.of("role", "assistant", "content", text)), key);
            case null, default -> throw new UnusableRowException(key, "an answer is needed here");
        };
    }

    private static Map<String, Object> message(Object entry, String place) {
        if (!(entry instanceof Map<?, ?> map) || !(map.get("role") instanceof String)) {
            throw new UnusableRowException(place, "a message with a role is needed");
        }
        Map<String, Object> message = new LinkedHashMap<>();
        map.forEach((key, value) -> message.put(key.toString(), value));
        message.put("content", content(map.get("content"), place + ".content"));
        return message;
    }

    private static Object content(@Nullable Object content, String place) {
        return switch (content) {
            case null -> "";
            case String text -> text;
            case List<?> parts -> {
                StringBuilder text = new StringBuilder();
                boolean pictures = false;
                for (Object part : parts) {
                    if (ChatEncoder.Sight.isPicture(part)) {
                        pictures = true;
                    } else if (part instanceof Map<?, ?> map
                            && map.get("text") instanceof String partText) {
                        text.append(partText);
                    } else {
                        throw new UnusableRowException(
                                place, "only parts of text and pictures can be trained");
                    }
                }
                yield pictures ? List.copyOf(parts) : text.toString();
            }
            default -> throw new UnusableRowException(place, "a text is needed");
        };
    }
}
