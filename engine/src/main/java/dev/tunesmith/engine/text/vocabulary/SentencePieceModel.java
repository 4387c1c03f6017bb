package dev.tunesmith.engine.text.vocabulary;

import dev.tunesmith.engine.io.ModelFileException;
import dev.tunesmith.engine.text.vocabulary.Piece.Kind;
import dev.tunesmith.engine.text.vocabulary.PieceTokenizer.Dummy;
import dev.tunesmith.engine.text.vocabulary.PieceTokenizer.Finding;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/// Reads a model of SentencePiece (`tokenizer.model`), a protocol buffer of pieces and of the rules
/// by which they are found.
final class SentencePieceModel {
    private static final int UNIGRAM = 1;
    private static final int BPE = 2;
    private static final int WORD = 3;
    private static final int CHAR = 4;
    private static final int PIECES_MAX = 1 << 21;

    private final List<Piece> pieces = new ArrayList<>();
    private int model = UNIGRAM;
    private boolean byteFallback;
    private boolean dummyPrefix = true;
    private boolean blanksJoined = true;
    private boolean blanksEscaped = true;
    private boolean blankBehind;
    private byte[] characterMap = {};

    private SentencePieceModel() {}

    /// The tree of the model and of the tokens that lie beside it.
    static TokenizerTree read(Path file, byte[] content) {
        var read = new SentencePieceModel();
        ProtocolBuffer message = ProtocolBuffer.of(file, content);
        while (message.next()) {
            switch (message.field()) {
                case 1 -> read.piece(message.message());
                case 2 -> read.trainer(message.message());
                case 3 -> read.normalizer(message.message());
                default -> message.skip();
            }
        }
        return PieceTokenizer.tree(read.pieces, read.way(file), AddedTokens.beside(file));
    }

    private PieceTokenizer.Way way(Path file) {
        if (pieces.isEmpty()) {
            throw new ModelFileException(file, "there is no piece in it");
        }
        Finding finding =
                switch (model) {
                    // Pieces of one character can be found in one way only.
                    case UNIGRAM, CHAR -> Finding.PROBABLE;
                    case BPE -> Finding.MERGES;
                    case WORD -> Finding.WORDS;
                    default ->
                            throw new ModelFileException(
                                    file,
                                    "the model types unigram, bpe, word and char are read, not number "
                                            + model);
                };
        boolean symbols = pieces.stream().anyMatch(piece -> piece.kind() == Kind.USER_DEFINED);
        if (symbols && (blanksJoined || blankBehind || finding == Finding.WORDS)) {
            throw new ModelFileException(
                    file,
                    "user_defined_symbols with %s are not read"
                            .formatted(
                                    blanksJoined
                                            ? "remove_extra_whitespaces = true"
                                            : blankBehind
                                                    ? "treat_whitespace_as_suffix = true"
                                                    : "the model type word"));
        }
        if (!blanksEscaped) {
            throw new ModelFileException(file, "escape_whitespaces = false is not read");
        }
        Dummy dummy = !dummyPrefix ? Dummy.NONE : blankBehind ? Dummy.BEHIND : Dummy.BEFORE;
        return new PieceTokenizer.Way(finding, byteFallback, dummy, blanksJoined, characterMap);
    }

    private void piece(ProtocolBuffer message) {
        String text = "";
        float score = 0;
        Kind kind = Kind.NORMAL;
        while (message.next()) {
            switch (message.field()) {
                case 1 -> text = message.text();
                case 2 -> score = message.single();
                case 3 -> {
                    long number = message.number();
                    kind =
                            Kind.of(number)
                                    .orElseThrow(() -> message.wrong("a piece of type " + number));
                }
                default -> message.skip();
            }
        }
        if (text.isEmpty() || !Float.isFinite(score) || pieces.size() >= PIECES_MAX) {
            throw message.wrong(
                    "piece %d is '%s' with score %s".formatted(pieces.size(), text, score));
        }
        pieces.add(new Piece(text, score, kind));
    }

    private void trainer(ProtocolBuffer message) {
        while (message.next()) {
            switch (message.field()) {
                case 3 -> model = (int) message.number();
                case 24 -> blankBehind = message.flag();
                case 35 -> byteFallback = message.flag();
                default -> message.skip();
            }
        }
    }

    private void normalizer(ProtocolBuffer message) {
        while (message.next()) {
            switch (message.field()) {
                case 2 -> characterMap = message.binary();
                case 3 -> dummyPrefix = message.flag();
                case 4 -> blanksJoined = message.flag();
                case 5 -> blanksEscaped = message.flag();
                default -> message.skip();
            }
        }
    }
}
