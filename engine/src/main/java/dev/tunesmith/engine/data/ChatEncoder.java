package dev.tunesmith.engine.data;

import dev.tunesmith.contracts.template.ChatOptions;
import dev.tunesmith.contracts.template.Rendered;
import dev.tunesmith.engine.text.SpecialText;
import dev.tunesmith.engine.text.Tokenizer;
import dev.tunesmith.engine.text.Tokens;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// Conversations to tokens, the same way for training and for serving.
///
/// Only the template can write control tokens: their names in a content stay plain text. The text
/// is cut where an answer begins and ends, because there the tokens end too when the model writes
/// the answer itself.
///
/// Pictures are parts of a content, `{"type":"image_url","image_url":{"url":"data:…"}}`. The
/// template writes one placeholder for each; the model takes one for each row that it becomes.
public final class ChatEncoder {

    private static final int PICTURES_MAX = 32;

    private final Tokenizer tokenizer;
    private final ChatFormat format;
    private final ControlText control;
    private final boolean cutsFreely;
    private final Sight sight;

    /// What a model sees of the pictures among the parts of a content.
    public interface Sight {
        /// That of a model of text.
        Sight NONE =
                new Sight() {
                    @Override
                    public Pictures picture(Object part, String place) {
                        throw new UnusableRowException(
                                place,
                                "this model does not see pictures; use text, or a vision-language"
                                        + " model");
                    }

                    @Override
                    public Sample spread(Sample text, Pictures pictures) {
                        throw new IllegalStateException("no picture was read");
                    }
                };

        /// Whether a part is a picture.
        static boolean isPicture(@Nullable Object part) {
            return part instanceof Map<?, ?> map
                    && ("image_url".equals(map.get("type")) || "image".equals(map.get("type")));
        }

        /// The picture of such a part.
        ///
        /// @throws UnusableRowException if it cannot be read
        Pictures picture(Object part, String place);

        /// The same text with a placeholder for every row of every picture.
        ///
        /// @param text one placeholder for each picture
        /// @throws IllegalArgumentException if there are more or fewer
        Sample spread(Sample text, Pictures pictures);
    }

    /// An encoder of text; the tokenizer stays the caller's to close.
    public ChatEncoder(Tokenizer tokenizer, ChatFormat format) {
        this(tokenizer, format, Sight.NONE);
    }

    /// An encoder of text and pictures.
    public ChatEncoder(Tokenizer tokenizer, ChatFormat format, Sight sight) {
        this(tokenizer, format, sight, new ControlText(tokenizer), tokenizer.encodesPieces());
    }

    private ChatEncoder(
            Tokenizer tokenizer,
            ChatFormat format,
            Sight sight,
            ControlText control,
            boolean cutsFreely) {
        this.tokenizer = tokenizer;
        this.format = format;
        this.sight = sight;
        this.control = control;
        this.cutsFreely = cutsFreely;
    }

    /// The same encoder with further variables of the template, and perhaps with texts that may
    /// name control tokens.
    public ChatEncoder with(ChatOptions options) {
        if (options.isNone()) {
            return this;
        }
        ControlText own = options.parsesSpecial() ? ControlText.parsed(tokenizer) : control;
        Map<String, @Nullable Object> variables = new LinkedHashMap<>();
        options.variables().forEach((name, value) -> variables.put(name, own.mark(value)));
        return new ChatEncoder(tokenizer, format.with(variables), sight, own, cutsFreely);
    }

    /// The tokens after which the model writes its answer.
    public int[] prompt(List<Map<String, Object>> messages) {
        return prompt(messages, List.of()).ids();
    }

    /// The same with functions that the answer may call, and with the pictures at their
    /// placeholders. Nothing of it is trained.
    ///
    /// @throws UnusableRowException if the model has no place for functions or pictures
    public Sample prompt(List<Map<String, Object>> messages, List<Map<String, Object>> tools) {
        Looked looked = looked(messages);
        Rendered rendered =
                format.prompt(looked.marked, tools.stream().map(control::marked).toList());
        return seen(encode(rendered, new float[rendered.spans().size()]), looked.pictures);
    }

    /// A conversation of which answers are trained.
    ///
    /// @param answerWeights weight of each assistant message, in order
    public Sample sample(List<Map<String, Object>> messages, float[] answerWeights) {
        return sample(messages, List.of(), answerWeights);
    }

    /// The same with functions that answers may call.
    ///
    /// @throws UnusableRowException if the model has no place for functions or pictures
    public Sample sample(
            List<Map<String, Object>> messages,
            List<Map<String, Object>> tools,
            float[] answerWeights) {
        Looked looked = looked(messages);
        Rendered rendered =
                format.render(looked.marked, tools.stream().map(control::marked).toList());
        if (rendered.spans().size() != answerWeights.length) {
            throw new UnusableRowException(
                    "messages",
                    "%d assistant messages, but the template wrote %d answers"
                            .formatted(answerWeights.length, rendered.spans().size()));
        }
        return seen(encode(rendered, answerWeights), looked.pictures);
    }

    /// Whether a token is a control token.
    boolean isControl(int token) {
        return tokenizer.isSpecial(token);
    }

    /// A conversation as training takes it, shortened to at most `lengthMax` tokens; without any if
    /// no word of an answer would be left, or if it has pictures or ends with a call and is longer.
    ///
    /// @throws UnusableRowException if the template cannot write it
    public Sample sample(Conversation conversation, int lengthMax) {
        return new ConversationFitter(this, lengthMax).fit(conversation).sample();
    }

    /// Messages as the template takes them, and the pictures that stood in them.
    private record Looked(List<Map<String, Object>> marked, Pictures pictures) {}

    private Looked looked(List<Map<String, Object>> messages) {
        List<Pictures> pictures = new ArrayList<>();
        List<Map<String, Object>> marked = new ArrayList<>();
        for (int i = 0; i < messages.size(); i++) {
            marked.add(
                    control.marked(looked(messages.get(i), "messages[%d]".formatted(i), pictures)));
        }
        return new Looked(marked, Pictures.joined(pictures));
    }

    private Map<String, Object> looked(
            Map<String, Object> message, String place, List<Pictures> pictures) {
        if (!(message.get("content") instanceof List<?> parts)) {
            return message;
        }
        List<@Nullable Object> read = new ArrayList<>();
        for (Object part : parts) {
            boolean picture = Sight.isPicture(part);
            if (picture && pictures.size() == PICTURES_MAX) {
                throw new UnusableRowException(
                        place, "a conversation has at most %d pictures".formatted(PICTURES_MAX));
            }
            if (picture) {
                pictures.add(sight.picture(part, place));
            }
            read.add(picture ? Map.of("type", "image") : part);
        }
        Map<String, Object> copy = new LinkedHashMap<>(message);
        copy.put("content", read);
        return copy;
    }

    private Sample seen(Sample text, Pictures pictures) {
        if (pictures.isEmpty()) {
            return text;
        }
        try {
            return sight.spread(text, pictures);
        } catch (IllegalArgumentException e) {
            throw new UnusableRowException(
                    "messages",
                    "the chat template of this model does not write a place for every picture: "
                            + e.getMessage());
        }
    }

    private Sample encode(Rendered rendered, float[] answerWeights) {
        Pieces pieces = new Pieces();
        String text = rendered.text();
        int from = 0;
        for (int answer = 0; answer < rendered.spans().size(); answer++) {
            int begin = rendered.spans().get(answer).start();
            int end = rendered.spans().get(answer).end();
            pieces.add(text.substring(from, begin), 0);
            pieces.add(text.substring(begin, end), answerWeights[answer]);
            from = end;
        }
        pieces.add(text.substring(from), 0);
        return cutsFreely ? encodePieces(pieces) : encodeWhole(pieces);
    }

    /// Texts that lie side by side, each with its weight; a literal one is the name of a control
    /// token that a user wrote.
    private final class Pieces {
        private final List<String> texts = new ArrayList<>();
        private final List<SpecialText> kinds = new ArrayList<>();
        private final List<Float> weights = new ArrayList<>();

        void add(String text, float weight) {
            int from = 0;
            while (from < text.length()) {
                int mark = ControlText.nextMark(text, from);
                if (mark > from) {
                    add(text.substring(from, mark), SpecialText.PARSED, weight);
                    from = mark;
                } else {
                    add(control.nameAt(text, from).orElseThrow(), SpecialText.USER, weight);
                    from += ControlText.MARK_LENGTH;
                }
            }
        }

        private void add(String text, SpecialText kind, float weight) {
            texts.add(text);
            kinds.add(kind);
            weights.add(weight);
        }
    }

    private Sample encodePieces(Pieces pieces) {
        Collected collected = new Collected();
        for (int i = 0; i < pieces.texts.size(); i++) {
            collected.add(encode(pieces.texts.get(i), pieces.kinds.get(i)), pieces.weights.get(i));
        }
        return collected.sample();
    }

    private int[] encode(String text, SpecialText kind) {
        return switch (kind) {
            case PARSED -> tokenizer.encode(text, SpecialText.PARSED);
            case USER, LITERAL -> control.literal(text);
        };
    }

    /// For tokenizers that put a blank before every text: neighbours are encoded together unless a
    /// token would lie across a border.
    private Sample encodeWhole(Pieces pieces) {
        Collected collected = new Collected();
        int first = 0;
        while (first < pieces.texts.size()) {
            int end = first + 1;
            if (pieces.kinds.get(first) == SpecialText.USER) {
                collected.add(control.literal(pieces.texts.get(first)), pieces.weights.get(first));
            } else {
                while (end < pieces.texts.size() && pieces.kinds.get(end) == SpecialText.PARSED) {
                    end++;
                }
                addRun(collected, pieces, first, end);
            }
            first = end;
        }
        return collected.sample();
    }

    private void addRun(Collected collected, Pieces pieces, int first, int end) {
        String run = String.join("", pieces.texts.subList(first, end));
        Tokens tokens = tokenizer.encodeWithOffsets(run, SpecialText.PARSED);
        int piece = first;
        int pieceEnd = codePoints(pieces.texts.get(first));
        float[] weights = new float[tokens.size()];
        for (int i = 0; i < weights.length; i++) {
            while (piece + 1 < end && tokens.begins()[i] >= pieceEnd) {
                piece++;
                pieceEnd += codePoints(pieces.texts.get(piece));
            }
            if (tokens.ends()[i] > pieceEnd && piece + 1 < end) {
                addRun(collected, pieces, first, piece + 1);
                addRun(collected, pieces, piece + 1, end);
                return;
            }
            weights[i] = pieces.weights.get(piece);
        }
        collected.add(tokens.ids(), weights);
    }

    private static int codePoints(String text) {
        return text.codePointCount(0, text.length());
    }

    private static final class Collected {
        private int[] ids = new int[64];
        private float[] weights = new float[64];
        private int length;

        void add(int[] more, float weight) {
            float[] same = new float[more.length];
            Arrays.fill(same, weight);
            add(more, same);
        }

        void add(int[] more, float[] moreWeights) {
            if (length + more.length > ids.length) {
                int capacity = Math.max(2 * ids.length, length + more.length);
                ids = Arrays.copyOf(ids, capacity);
                weights = Arrays.copyOf(weights, capacity);
            }
            System.arraycopy(more, 0, ids, length, more.length);
            System.arraycopy(moreWeights, 0, weights, length, more.length);
            length += more.length;
        }

        Sample sample() {
            return new Sample(Arrays.copyOf(ids, length), Arrays.copyOf(weights, length));
        }
    }
}
