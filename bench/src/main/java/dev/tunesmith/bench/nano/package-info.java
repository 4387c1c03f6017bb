/// Grows the bundled base model: corpus, tokenizer, first weights, and the check of what it knows.
///
/// Start with [dev.tunesmith.bench.nano.GrowNano]. What the model knows is written in the topic
/// files of `examples/nano`, not here.
@NullMarked
package dev.tunesmith.bench.nano;

import org.jspecify.annotations.NullMarked;
