/// Files of llama.cpp: one file with metadata, vocabulary and tensors, most of them in blocks of
/// small numbers.
///
/// Start with [dev.tunesmith.engine.gguf.GgufImport], which turns such a file into a folder as
/// Hugging Face lays it out; everything else then works with that folder.
/// [dev.tunesmith.engine.gguf.GgufExport] is the way back.
@NullMarked
package dev.tunesmith.engine.gguf;

import org.jspecify.annotations.NullMarked;
