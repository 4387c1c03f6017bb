/// Model files in the Hugging Face layout: safetensors, their index, and the JSON beside them.
///
/// Start with [dev.tunesmith.engine.io.ModelDirectory]. Everything read here may come from a
/// stranger: sizes are checked before anything is mapped, names against an allow-list, and a
/// refusal ([dev.tunesmith.engine.io.ModelFileException]) says file, tensor and byte offset.
@NullMarked
package dev.tunesmith.engine.io;

import org.jspecify.annotations.NullMarked;
