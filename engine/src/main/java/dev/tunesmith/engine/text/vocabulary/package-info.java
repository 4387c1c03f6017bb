/// Vocabularies in every notation that models come with, as the tree of a `tokenizer.json`.
///
/// Start with [dev.tunesmith.engine.text.vocabulary.VocabularyFiles]. What is turned: models of
/// SentencePiece, rank files of tiktoken, `vocab.json` with `merges.txt`, and `vocab.txt`. Names
/// and ids of added tokens come from the files that lie beside them. Files are uploads of
/// strangers: every length is checked before memory is taken for it.
@NullMarked
package dev.tunesmith.engine.text.vocabulary;

import org.jspecify.annotations.NullMarked;
