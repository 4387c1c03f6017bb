package dev.tunesmith.engine.data;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/// Shortens conversations that are longer than a row, so that what is left still makes sense.
///
/// First whole turns go, the oldest first, but not the system message; then the middle of the
/// longest message that is not an answer; and only if the answer alone is too long, its end, with
/// the end-of-turn token kept.
final class ConversationFitter {

    static final String ELLIPSIS = " … ";
    private static final int SHORTENINGS_MAX = 16;

    private final ChatEncoder encoder;
    private final int lengthMax;

    ConversationFitter(ChatEncoder encoder, int lengthMax) {
        this.encoder = encoder;
        this.lengthMax = lengthMax;
    }

    Fitted fit(Conversation conversation) {
        Conversation nothing = new Conversation(List.of(), List.of());
        return fit(conversation, List.of(nothing)).getFirst();
    }

    /// Fits several continuations of one prompt; what is cut out of the prompt is the same for all.
    List<Fitted> fit(Conversation prompt, List<Conversation> continuations) {
        List<Sample> whole = samples(prompt, continuations);
        Conversation shorter = prompt;
        List<Sample> samples = whole;
        for (int i = 0; i < SHORTENINGS_MAX && longest(samples) > lengthMax; i++) {
            Conversation next = shortened(shorter, longest(samples));
            if (next.equals(shorter)) {
                break;
            }
            shorter = next;
            samples = samples(shorter, continuations);
        }
        boolean cut = longest(whole) > lengthMax;
        List<Fitted> fitted = new ArrayList<>();
        for (int i = 0; i < whole.size(); i++) {
            fitted.add(new Fitted(withinLimit(samples.get(i)), whole.get(i).length(), cut));
        }
        return fitted;
    }

    /// A prompt that the model goes on with; dropped if nothing of it can go any more.
    Fitted fitPrompt(Conversation prompt) {
        Sample whole = encoder.prompt(prompt.messages(), prompt.tools());
        Sample sample = whole;
        Conversation shorter = prompt;
        for (int i = 0; i < SHORTENINGS_MAX && sample.length() > lengthMax; i++) {
            Conversation next = shortened(shorter, sample.length());
            if (next.equals(shorter)) {
                break;
            }
            shorter = next;
            sample = encoder.prompt(shorter.messages(), shorter.tools());
        }
        Fitted fitted = new Fitted(sample, whole.length(), whole.length() > lengthMax);
        return sample.length() > lengthMax ? fitted.dropped() : fitted;
    }

    private List<Sample> samples(Conversation prompt, List<Conversation> continuations) {
        return continuations.stream()
                .map(prompt::then)
                .map(all -> encoder.sample(all.messages(), all.tools(), all.answerWeights()))
                .toList();
    }

    private static int longest(List<Sample> samples) {
        return samples.stream().mapToInt(Sample::length).max().orElse(0);
    }

    private Conversation shortened(Conversation conversation, int length) {
        List<Integer> turns = conversation.userTurns();
        return turns.size() > 1
                ? conversation.without(turns.get(0), turns.get(1))
                : withoutMiddle(conversation, length - lengthMax);
    }

    /// Cuts about `excess` tokens out of the longest text that is not an answer.
    private static Conversation withoutMiddle(Conversation conversation, int excess) {
        int longest = -1;
        int length = 0;
        for (int i = 0; i < conversation.messages().size(); i++) {
            Map<String, Object> message = conversation.messages().get(i);
            if (!Conversation.isAnswer(message)
                    && message.get("content") instanceof String text
                    && text.length() > length) {
                longest = i;
                length = text.length();
            }
        }
        if (longest < 0 || length <= ELLIPSIS.length() + 1) {
            return conversation;
        }
        // A token is at least one character in most texts: what is missing goes in a later round.
        String text = String.valueOf(conversation.messages().get(longest).get("content"));
        return conversation.withContent(longest, withoutMiddle(text, excess));
    }

    /// A text shorter by `excess` characters, if it has them; an ellipsis stands for its middle.
    static String withoutMiddle(String text, int excess) {
        int[] points = text.codePoints().toArray();
        int kept = Math.max(0, points.length - excess - ELLIPSIS.length());
        return new String(points, 0, kept - kept / 2)
                + ELLIPSIS
                + new String(points, points.length - kept / 2, kept / 2);
    }

    private Sample withinLimit(Sample sample) {
        if (sample.length() <= lengthMax) {
            return sample;
        }
        if (!sample.pictures().isEmpty()) {
            // Half a picture is none: the row is left out.
            return new Sample(new int[0], new float[0]);
        }
        int last = sample.length() - 1;
        while (last > 0 && sample.weights()[last] == 0) {
            last--;
        }
        int[] ids = Arrays.copyOf(sample.ids(), lengthMax);
        float[] weights = Arrays.copyOf(sample.weights(), lengthMax);
        ids[lengthMax - 1] = sample.ids()[last];
        weights[lengthMax - 1] = sample.weights()[last];
        return new Sample(ids, weights);
    }
}
