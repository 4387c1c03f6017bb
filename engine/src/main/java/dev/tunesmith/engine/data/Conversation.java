package dev.tunesmith.engine.data;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// A conversation and the weights of its answers.
///
/// @param tools functions that answers may call, as the wire describes them
public record Conversation(
        List<Map<String, Object>> messages, List<Float> weights, List<Map<String, Object>> tools) {

    public Conversation {
        messages = List.copyOf(messages);
        weights = List.copyOf(weights);
        tools = List.copyOf(tools);
    }

    /// A conversation without functions.
    public Conversation(List<Map<String, Object>> messages, List<Float> weights) {
        this(messages, weights, List.of());
    }

    /// The same turns with functions.
    Conversation withTools(List<Map<String, Object>> known) {
        return new Conversation(messages, weights, known);
    }

    static boolean isAnswer(Map<String, Object> message) {
        return "assistant".equals(message.get("role"));
    }

    /// The same turns, none of them trained.
    Conversation untrained() {
        return new Conversation(messages, java.util.Collections.nCopies(weights.size(), 0f), tools);
    }

    /// The same turns, of which only the last answer with a weight is trained.
    Conversation lastTrained() {
        List<Float> last = new ArrayList<>(java.util.Collections.nCopies(weights.size(), 0f));
        for (int i = weights.size() - 1; i >= 0; i--) {
            if (weights.get(i) != 0) {
                last.set(i, weights.get(i));
                break;
            }
        }
        return new Conversation(messages, last, tools);
    }

    /// How many turns both have in common at their beginning.
    int commonTurns(Conversation other) {
        int most = Math.min(messages.size(), other.messages.size());
        int common = 0;
        while (common < most && messages.get(common).equals(other.messages.get(common))) {
            common++;
        }
        return common;
    }

    /// These turns, then those.
    public Conversation then(Conversation next) {
        List<Map<String, Object>> all = new ArrayList<>(messages);
        all.addAll(next.messages);
        List<Float> allWeights = new ArrayList<>(weights);
        allWeights.addAll(next.weights);
        return new Conversation(all, allWeights, tools);
    }

    float[] answerWeights() {
        float[] array = new float[weights.size()];
        for (int i = 0; i < array.length; i++) {
            array[i] = weights.get(i);
        }
        return array;
    }

    /// Where turns begin: the messages of the user.
    List<Integer> userTurns() {
        List<Integer> turns = new ArrayList<>();
        for (int i = 0; i < messages.size(); i++) {
            if ("user".equals(messages.get(i).get("role"))) {
                turns.add(i);
            }
        }
        return turns;
    }

    /// Without the messages from `begin` up to `end`.
    Conversation without(int begin, int end) {
        List<Map<String, Object>> kept = new ArrayList<>();
        List<Float> keptWeights = new ArrayList<>();
        int answer = 0;
        for (int i = 0; i < messages.size(); i++) {
            boolean keep = i < begin || i >= end;
            if (isAnswer(messages.get(i))) {
                if (keep) {
                    keptWeights.add(weights.get(answer));
                }
                answer++;
            }
            if (keep) {
                kept.add(messages.get(i));
            }
        }
        return new Conversation(kept, keptWeights, tools);
    }

    Conversation withContent(int index, String content) {
        List<Map<String, Object>> changed = new ArrayList<>(messages);
        Map<String, Object> message = new LinkedHashMap<>(messages.get(index));
        message.put("content", content);
        changed.set(index, message);
        return new Conversation(changed, weights, tools);
    }
}
