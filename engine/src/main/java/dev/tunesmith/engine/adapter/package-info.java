/// Adapters: small trained additions to a frozen model, in the file layout of PEFT.
///
/// Start with [dev.tunesmith.engine.adapter.Adapter]; the kinds there are stand in
/// [dev.tunesmith.engine.adapter.kind.AdapterConfig]. A loaded adapter is never initialised again.
@NullMarked
package dev.tunesmith.engine.adapter;

import org.jspecify.annotations.NullMarked;
