/// Looking at training data, and making other files of it: lengths, a row as the model sees it, how
/// full packed rows become, other kinds and shapes of files, a part for validation.
///
/// Start with [dev.tunesmith.engine.prepare.TokenFigures]. Rows are read one after the other; what
/// grows with their number is a few bytes for each.
@NullMarked
package dev.tunesmith.engine.prepare;

import org.jspecify.annotations.NullMarked;
