/// The kinds of adapters: what the configuration file of each says, and how it hooks into layers.
///
/// Start with [dev.tunesmith.engine.adapter.kind.AdapterConfig], whose table names all of them.
/// Options that change the maths and are not implemented are refused by name, never ignored.
@NullMarked
package dev.tunesmith.engine.adapter.kind;

import org.jspecify.annotations.NullMarked;
