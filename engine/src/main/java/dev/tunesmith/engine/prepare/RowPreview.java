package dev.tunesmith.engine.prepare;

import dev.tunesmith.engine.data.Sample;
import dev.tunesmith.engine.text.Tokenizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// A document as the model sees it.
///
/// @param tokens how many there are
/// @param trainedTokens how many of them the model learns to predict
/// @param pieces the text, cut where training begins or ends
public record RowPreview(int tokens, int trainedTokens, List<Piece> pieces) {

    private static final int PIECE_TOKENS_MAX = 4096;

    public RowPreview {
        pieces = List.copyOf(pieces);
    }

    /// Neighbouring tokens of which all are trained alike.
    ///
    /// @param weight 0 for tokens that are only read
    public record Piece(String text, float weight, int tokens) {}

    /// The preview of a document.
    public static RowPreview of(Sample sample, Tokenizer tokenizer) {
        List<Piece> pieces = new ArrayList<>();
        int begin = 0;
        for (int i = 1; i <= sample.length(); i++) {
            boolean ends =
                    i == sample.length()
                            || i - begin == PIECE_TOKENS_MAX
                            || sample.weights()[i] != sample.weights()[begin];
            if (ends) {
                int[] ids = Arrays.copyOfRange(sample.ids(), begin, i);
                pieces.add(
                        new Piece(
                                tokenizer.decode(ids, false),
                                Math.max(0, sample.weights()[begin]),
                                ids.length));
                begin = i;
            }
        }
        return new RowPreview(sample.length(), sample.trainedTokens(), pieces);
    }
}
