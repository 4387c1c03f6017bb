/// Adapters: small trained additions to a frozen model, in the file layout of PEFT.
///
/// Start with [dev.tunesmith.engine.adapter.LoraAdapter]; what a file says is
/// [dev.tunesmith.engine.adapter.LoraConfig]. Options that change the maths and are not implemented
/// are refused by name, never ignored; a loaded adapter is never initialised again.
@NullMarked
package dev.tunesmith.engine.adapter;

import org.jspecify.annotations.NullMarked;
