package dev.tunesmith.engine.data;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/// Shortens conversations that are longer than a row, so that what is left still makes sense.
///
/// First whole turns go, the oldest first, but not the system message; then the middle of the
/// longest message that is not an answer; and only if the answer alone is too long, its end, with
/// the end-of-turn token kept. A row of which no word of an answer would be left is left out.
final class ConversationFitter {

    static final String ELLIPSIS = " … ";
    private static final int SHORTENINGS_MAX = 16;
    private static final Sample NOTHING = new Sample(new int[0], new float[0]);

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
            Sample within = withinLimit(samples.get(i), shorter.then(continuations.get(i)));
            fitted.add(new Fitted(within, whole.get(i).length(), cut));
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

    /// The beginning of a conversation and what the template writes behind its last trained answer,
    /// which begins with the end-of-turn token; nothing where that would train no word of an
    /// answer.
    private Sample withinLimit(Sample sample, Conversation conversation) {
        if (sample.length() <= lengthMax) {
            return sample;
        }
        int last = lastTrained(conversation);
        // Half a picture is none, and half a call neither: the row is left out.
        if (!sample.pictures().isEmpty() || last < 0) {
            return NOTHING;
        }
        int end = trainedEnd(sample);
        int tail = end <= lengthMax ? 0 : tail(sample, end, conversation, last);
        int head = Math.min(end, lengthMax - tail);
        if (tail > 0 && head > 0 && sample.weights()[head - 1] <= 0) {
            // The cut lies in a question: the answer before it has its end already.
            head = trainedEnd(begin(sample, head));
            tail = 0;
        }
        if (head <= 0 || begin(sample, head).trainedTokens() == 0) {
            return NOTHING;
        }
        int[] ids = Arrays.copyOf(sample.ids(), head + tail);
        float[] weights = Arrays.copyOf(sample.weights(), head + tail);
        System.arraycopy(sample.ids(), end - tail, ids, head, tail);
        System.arraycopy(sample.weights(), end - tail, weights, head, tail);
        return new Sample(ids, weights);
    }

    private static Sample begin(Sample sample, int length) {
        return new Sample(
                Arrays.copyOf(sample.ids(), length), Arrays.copyOf(sample.weights(), length));
    }

    /// Behind the last token that is trained.
    private static int trainedEnd(Sample sample) {
        int end = sample.length();
        while (end > 0 && sample.weights()[end - 1] <= 0) {
            end--;
        }
        return end;
    }

    /// The last answer with a weight, if its text can be cut.
    private static int lastTrained(Conversation conversation) {
        int answer = conversation.weights().size() - 1;
        for (int i = conversation.messages().size() - 1; i >= 0; i--) {
            Map<String, Object> message = conversation.messages().get(i);
            if (Conversation.isAnswer(message) && conversation.weights().get(answer--) > 0) {
                return message.get("tool_calls") instanceof List<?> calls && !calls.isEmpty()
                        ? -1
                        : i;
            }
        }
        return -1;
    }

    /// How many tokens the template writes behind the text of an answer: those at the end that
    /// another text has too. Where they begin with no control token, they may have grown together
    /// with the last letter of the text; then that letter is taken for it.
    private int tail(Sample sample, int end, Conversation conversation, int answer) {
        int tail = tail(sample, end, conversation.withContent(answer, ELLIPSIS.strip()));
        String text = String.valueOf(conversation.messages().get(answer).get("content"));
        if (text.isEmpty() || (tail > 0 && encoder.isControl(sample.ids()[end - tail]))) {
            return tail;
        }
        String letter = Character.toString(text.codePointBefore(text.length()));
        return tail(sample, end, conversation.withContent(answer, letter));
    }

    private int tail(Sample sample, int end, Conversation brief) {
        Sample other = encoder.sample(brief.messages(), brief.tools(), brief.answerWeights());
        int otherEnd = trainedEnd(other);
        int most = Math.min(end, otherEnd);
        int tail = 0;
        while (tail < most && sample.ids()[end - 1 - tail] == other.ids()[otherEnd - 1 - tail]) {
            tail++;
        }
        return tail;
    }
}
