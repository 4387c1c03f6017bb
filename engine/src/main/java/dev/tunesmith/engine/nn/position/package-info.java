/// How a model knows where a token stands: rotary encodings with their scalings, and learned
/// tables.
@NullMarked
package dev.tunesmith.engine.nn.position;

import org.jspecify.annotations.NullMarked;
