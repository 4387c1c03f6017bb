/// From rows of text to batches of tokens.
///
/// Start with [dev.tunesmith.engine.data.TokenBatch], the only shape the model ever sees. Axes in
/// this package: `N` tokens of a batch, `D` documents, `D1` = documents + 1. Nothing here knows a
/// tensor, and nothing is dropped without being counted.
@NullMarked
package dev.tunesmith.engine.data;

import org.jspecify.annotations.NullMarked;
