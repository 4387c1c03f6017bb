/// How a batch enters a model: tokens, pictures and learned virtual tokens become the input of the
/// first block, and where they stand becomes what attention sees.
///
/// [dev.tunesmith.engine.model.entry.WholeEntrance] takes whole documents,
/// [dev.tunesmith.engine.model.entry.CachedEntrance] the new tokens of sequences whose earlier keys
/// and values lie in a [dev.tunesmith.engine.model.entry.KvCache]; both give an
/// [dev.tunesmith.engine.model.entry.Entrance.Entered].
@NullMarked
package dev.tunesmith.engine.model.entry;

import org.jspecify.annotations.NullMarked;
