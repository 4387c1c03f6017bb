/// Scores of texts and tokens: as LLaMA-Factory prints them, so that results can be compared.
///
/// Start with [SimilarityScore]; [ChineseWords] is the cutter that its ROUGE counts with.
@NullMarked
package dev.tunesmith.engine.score;

import org.jspecify.annotations.NullMarked;
