/// Text to token ids and back.
///
/// Start with [dev.tunesmith.engine.text.Tokenizer]. The `tokenizers` library does the work; its
/// classes are used in this package only. Offsets and lengths count code points, not UTF-16 units.
@NullMarked
package dev.tunesmith.engine.text;

import org.jspecify.annotations.NullMarked;
