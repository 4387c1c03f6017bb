package dev.tunesmith.engine.data;

import java.util.Arrays;
import java.util.List;
import java.util.Map;

/// Shortens conversations that are longer than a row, so that what is left still makes sense.
///
/// First whole turns go, the oldest first, but not the system message; then the middle of the
/// longest message that is not an answer; and only if the answer alone is too long, its end, with
/// the end-of-turn token kept.
final class ConversationFitter {

    private static final String ELLIPSIS = " … ";
    private static final int SHORTENINGS_MAX = 16;

    private final ChatEncoder encoder;
    private final int lengthMax;

    ConversationFitter(ChatEncoder encoder, int lengthMax) {
        this.encoder = encoder;
        this.lengthMax = lengthMax;
    }

    Fitted fit(Conversation conversation) {
        Sample whole = encoder.sample(conversation.messages(), conversation.answerWeights());
        if (whole.length() <= lengthMax) {
            return Fitted.whole(whole);
        }
        Conversation shorter = conversation;
        Sample sample = whole;
        for (int i = 0; i < SHORTENINGS_MAX && sample.length() > lengthMax; i++) {
            Conversation next = shortened(shorter, sample.length());
            if (next.equals(shorter)) {
                break;
            }
            shorter = next;
            sample = encoder.sample(shorter.messages(), shorter.answerWeights());
        }
        return new Fitted(withinLimit(sample), whole.length(), true);
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
        int[] points = text.codePoints().toArray();
        int kept = Math.max(0, points.length - excess - ELLIPSIS.length());
        String cut =
                new String(points, 0, kept - kept / 2)
                        + ELLIPSIS
                        + new String(points, points.length - kept / 2, kept / 2);
        return conversation.withContent(longest, cut);
    }

    private Sample withinLimit(Sample sample) {
        if (sample.length() <= lengthMax) {
            return sample;
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
