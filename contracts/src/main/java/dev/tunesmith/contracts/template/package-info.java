/// Chat templates of models: a conversation becomes the text that a model reads.
///
/// Start with [ChatTemplate]; `Rendering` is the interpreter, `Filters`, `Tests` and `Globals` are
/// what templates may call. The language itself is package `jinja`.
@NullMarked
package dev.tunesmith.contracts.template;

import org.jspecify.annotations.NullMarked;
