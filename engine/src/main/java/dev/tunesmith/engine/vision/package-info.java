/// Towers of vision-language models: what turns pictures into rows that stand among the embeddings
/// of a text.
@NullMarked
package dev.tunesmith.engine.vision;

import org.jspecify.annotations.NullMarked;
