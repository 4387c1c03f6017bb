package dev.tunesmith.engine.objective;

import dev.tunesmith.engine.data.Sample;

/// A drawn answer with everything that an update needs of the time when it was drawn.
///
/// @param document prompt and answer; the answer's tokens have weight 1
/// @param logProbs of the answer's tokens under the policy that drew them
/// @param values of the states before them, perhaps one more behind the last
/// @param advantages of the tokens
/// @param returns what the values should have been
// Arrays: never compared.
@SuppressWarnings("ArrayRecordComponent")
public record Experience(
        Sample document,
        double[] logProbs,
        double[] values,
        double[] advantages,
        double[] returns) {

    /// Position of the state before the answer's first token.
    public int firstState() {
        return document.length() - logProbs.length - 1;
    }
}
