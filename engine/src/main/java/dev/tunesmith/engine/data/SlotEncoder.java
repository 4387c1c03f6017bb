package dev.tunesmith.engine.data;

import dev.tunesmith.contracts.chat.Dialogue;
import dev.tunesmith.contracts.chat.Exchange;
import dev.tunesmith.contracts.chat.NamedTemplate;
import dev.tunesmith.contracts.chat.Piece;
import dev.tunesmith.contracts.chat.Thinking;
import dev.tunesmith.contracts.chat.Turn;
import dev.tunesmith.contracts.chat.Writer;
import dev.tunesmith.contracts.mixture.TrainedTurns;
import dev.tunesmith.contracts.tool.MalformedCallException;
import dev.tunesmith.engine.text.SpecialText;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/// Dialogues to tokens and labels, piece by piece as named templates write them: LLaMA-Factory's
/// encoding, for people who compare with it.
///
/// Unlike there, the text of a row never becomes a control token, and a row that is too long keeps
/// its system text, headers and end tokens.
public final class SlotEncoder {

    private final SlotTokenizer tokens;
    private final NamedTemplate template;
    private final Writer writer;
    private final ControlText control;

    /// @param tokens stays the caller's to close
    public SlotEncoder(
            SlotTokenizer tokens, NamedTemplate template, Thinking thinking, LocalDate today) {
        this.tokens = tokens;
        this.template = template;
        this.writer = new Writer(template, thinking, today);
        this.control = new ControlText(tokens.tokenizer());
    }

    /// A conversation of which answers are learned, at most `lengthMax` tokens.
    ///
    /// @throws UnusableRowException if the template cannot write it
    public Labelled conversation(Dialogue dialogue, TrainedTurns trained, int lengthMax) {
        return fitted(dialogue, lengthMax, shorter -> written(shorter, trained));
    }

    /// A conversation cut as LLaMA-Factory cuts it: each turn at its end, so that headers and end
    /// tokens may be lost. Only for comparisons.
    ///
    /// @throws UnusableRowException if the template cannot write it
    public Labelled conversationCutAtEnds(Dialogue dialogue, TrainedTurns trained, int lengthMax) {
        List<Labelled> parts = new ArrayList<>(parts(dialogue, trained));
        boolean efficient = template.ending().efficient();
        boolean lastFirst = trained == TrainedTurns.LAST_ANSWER;
        int turns = parts.size() / 2;
        int total = efficient ? 1 : 0;
        List<Labelled> kept = new ArrayList<>();
        for (int i = 0; i < turns && total < lengthMax; i++) {
            int turn = lastFirst ? turns - 1 - i : i;
            Labelled source = parts.get(2 * turn);
            Labelled target = parts.get(2 * turn + 1);
            LengthRule.Cut cut =
                    LengthRule.cut(source.length(), target.length(), lengthMax - total);
            int at = lastFirst ? 0 : kept.size();
            kept.add(at, target.head(cut.target()));
            kept.add(at, source.head(cut.source()));
            total += cut.source() + cut.target();
        }
        if (efficient) {
            kept.add(parts.getLast());
        }
        return Labelled.joined(kept);
    }

    /// A question and an answer: all earlier turns are read only.
    ///
    /// @throws UnusableRowException if the template cannot write it
    public Labelled answered(Dialogue dialogue, int lengthMax) {
        return fitted(
                dialogue,
                lengthMax,
                shorter -> {
                    Answered answered = apart(shorter);
                    return Labelled.joined(
                            List.of(
                                    Labelled.untrained(answered.question()),
                                    Labelled.trained(answered.answer())));
                });
    }

    /// Two answers to one question.
    ///
    /// @throws UnusableRowException if the template cannot write it, or the question would not be
    ///   the same for both
    public List<Labelled> pair(Dialogue chosen, Dialogue rejected, int lengthMax) {
        if (!Arrays.equals(apart(chosen).question(), apart(rejected).question())) {
            throw new UnusableRowException(
                    "rejected",
                    "only one of the answers has a thought, so their questions would differ; give"
                            + " both or none of them one");
        }
        return List.of(answered(chosen, lengthMax), answered(rejected, lengthMax));
    }

    /// A question and its answer apart, together at most `lengthMax` tokens.
    ///
    /// @throws UnusableRowException if the template cannot write it
    public Answered apart(Dialogue dialogue, int lengthMax) {
        Dialogue shorter = dialogue;
        Answered answered = apart(dialogue);
        int length = answered.question().length + answered.answer().length;
        while (length > lengthMax) {
            Dialogue next = shortened(shorter, length - lengthMax);
            if (next.equals(shorter)) {
                break;
            }
            shorter = next;
            answered = apart(shorter);
            length = answered.question().length + answered.answer().length;
        }
        return answered;
    }

    /// Tokens of a question and of its answer.
    // Arrays: never compared by the record's equality.
    @SuppressWarnings("ArrayRecordComponent")
    public record Answered(int[] question, int[] answer) {}

    private Answered apart(Dialogue dialogue) {
        try {
            Exchange exchange = writer.lastExchange(marked(dialogue));
            int[] answer = ids(exchange.target());
            if (template.ending().efficient()) {
                answer = Arrays.copyOf(answer, answer.length + 1);
                answer[answer.length - 1] = tokens.eos();
            }
            return new Answered(ids(exchange.source()), answer);
        } catch (MalformedCallException e) {
            throw new UnusableRowException("tools", String.valueOf(e.getMessage()));
        }
    }

    private Labelled written(Dialogue dialogue, TrainedTurns trained) {
        return Labelled.joined(parts(dialogue, trained));
    }

    /// Question and answer in turn, and the end token where it is written once.
    private List<Labelled> parts(Dialogue dialogue, TrainedTurns trained) {
        List<Exchange> exchanges;
        try {
            exchanges = writer.exchanges(marked(dialogue));
        } catch (MalformedCallException e) {
            throw new UnusableRowException("tools", String.valueOf(e.getMessage()));
        }
        boolean efficient = template.ending().efficient();
        List<Labelled> parts = new ArrayList<>();
        for (int i = 0; i < exchanges.size(); i++) {
            boolean last = i == exchanges.size() - 1;
            int[] source = ids(exchanges.get(i).source());
            int[] target = ids(exchanges.get(i).target());
            Labelled question =
                    trained == TrainedTurns.ALL
                            ? Labelled.trained(source)
                            : Labelled.untrained(source);
            // The end token is not written, so what follows an answer learns it instead.
            parts.add(
                    efficient && i > 0 && trained == TrainedTurns.ANSWERS
                            ? question.learningFirst(tokens.eos())
                            : question);
            parts.add(
                    trained == TrainedTurns.LAST_ANSWER && !last
                            ? Labelled.untrained(target)
                            : Labelled.trained(target));
        }
        if (efficient) {
            parts.add(Labelled.trained(new int[] {tokens.eos()}));
        }
        return parts;
    }

    private interface Encoding {
        Labelled of(Dialogue dialogue);
    }

    private static Labelled fitted(Dialogue dialogue, int lengthMax, Encoding encoding) {
        Dialogue shorter = dialogue;
        Labelled labelled = encoding.of(shorter);
        while (labelled.length() > lengthMax) {
            Dialogue next = shortened(shorter, labelled.length() - lengthMax);
            if (next.equals(shorter)) {
                throw new UnusableRowException(
                        "", "cannot be cut to %d tokens".formatted(lengthMax));
            }
            shorter = next;
            labelled = encoding.of(shorter);
        }
        return labelled;
    }

    /// Whole turns first, the oldest ones; then the middle of the longest question; then the end of
    /// the answer; last the middle of the system text.
    private static Dialogue shortened(Dialogue dialogue, int excess) {
        List<Turn> turns = new ArrayList<>(dialogue.turns());
        if (turns.size() > 2) {
            return new Dialogue(
                    turns.subList(2, turns.size()), dialogue.system(), dialogue.tools());
        }
        Turn question = turns.getFirst();
        if (question.content().length() > ConversationFitter.ELLIPSIS.length()) {
            turns.set(0, new Turn(question.role(), withoutMiddle(question.content(), excess)));
            return new Dialogue(turns, dialogue.system(), dialogue.tools());
        }
        Turn answer = turns.getLast();
        if (turns.size() == 2 && !answer.content().isEmpty()) {
            int kept = Math.max(0, answer.content().length() - Math.max(excess, 1));
            kept = answer.content().offsetByCodePoints(0, answer.content().codePointCount(0, kept));
            turns.set(1, new Turn(answer.role(), answer.content().substring(0, kept)));
            return new Dialogue(turns, dialogue.system(), dialogue.tools());
        }
        return dialogue.system().length() > ConversationFitter.ELLIPSIS.length()
                ? new Dialogue(turns, withoutMiddle(dialogue.system(), excess), dialogue.tools())
                : dialogue;
    }

    /// Nothing if an ellipsis would be no shorter.
    private static String withoutMiddle(String text, int excess) {
        String cut = ConversationFitter.withoutMiddle(text, excess);
        return cut.length() < text.length() ? cut : "";
    }

    private Dialogue marked(Dialogue dialogue) {
        List<Turn> turns = new ArrayList<>();
        for (Turn turn : dialogue.turns()) {
            boolean answer = turn.role() == Turn.Role.ASSISTANT || turn.role() == Turn.Role.CALLS;
            turns.add(
                    new Turn(
                            turn.role(),
                            answer
                                    ? control.markedExcept(turn.content(), marks())
                                    : control.markedExcept(turn.content(), "")));
        }
        return new Dialogue(
                turns,
                control.markedExcept(dialogue.system(), ""),
                dialogue.tools().stream().map(control::markedTree).toList());
    }

    /// Words of the template that an answer may contain as tokens.
    private String marks() {
        NamedTemplate.Marks marks = template.marks();
        return marks.thoughtOpen() + marks.thoughtClose() + marks.callOpen() + marks.callClose();
    }

    private int[] ids(List<Piece> pieces) {
        IntStream ids = IntStream.empty();
        for (Piece piece : pieces) {
            ids = IntStream.concat(ids, Arrays.stream(ids(piece)));
        }
        return ids.toArray();
    }

    private int[] ids(Piece piece) {
        return switch (piece) {
            case Piece.Text(String text) -> ids(text);
            case Piece.Token(String name) ->
                    tokens.tokenizer().id(name).isPresent()
                            ? new int[] {tokens.tokenizer().id(name).getAsInt()}
                            : tokens.tokenizer().encode(name, SpecialText.PARSED);
            case Piece.Special special ->
                    switch (special) {
                        case BOS -> tokens.bos().stream().toArray();
                        case EOS -> new int[] {tokens.eos()};
                    };
        };
    }

    private int[] ids(String text) {
        List<int[]> parts = new ArrayList<>();
        int from = 0;
        while (from < text.length()) {
            int mark = ControlText.nextMark(text, from);
            if (mark > from) {
                parts.add(
                        tokens.tokenizer().encode(text.substring(from, mark), SpecialText.PARSED));
                from = mark;
            } else {
                String name = control.nameAt(text, from).orElseThrow();
                parts.add(control.literal(name));
                from += ControlText.MARK_LENGTH;
            }
        }
        return parts.stream().flatMapToInt(Arrays::stream).toArray();
    }
}
