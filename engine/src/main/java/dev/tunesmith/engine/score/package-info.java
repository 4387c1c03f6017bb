/// Scores of texts and tokens as LLaMA-Factory, rouge-score and sacrebleu print them, so that
/// results can be compared.
///
/// Start with [SimilarityScore]; [ChineseWords] is the cutter that its ROUGE counts with.
/// [RougeScore], [BleuScore], [ChrfScore] and [TerScore] take other words and count otherwise.
@NullMarked
package dev.tunesmith.engine.score;

import org.jspecify.annotations.NullMarked;
