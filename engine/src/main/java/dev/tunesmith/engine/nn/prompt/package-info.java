/// Tokens that an adapter learns and puts before every text.
///
/// Start with [dev.tunesmith.engine.nn.prompt.VirtualTokens].
@NullMarked
package dev.tunesmith.engine.nn.prompt;

import org.jspecify.annotations.NullMarked;
