/// The rows of several files as one set: recognised, tokenised once, mixed, divided and ordered.
///
/// Start with [Corpus]. Tokens of a file are kept in a [ShardStore], so that they are made once for
/// all jobs that read it in the same way; what a job takes of them and in which order is a list of
/// numbers, see [RowChoice].
@NullMarked
package dev.tunesmith.engine.corpus;

import org.jspecify.annotations.NullMarked;
