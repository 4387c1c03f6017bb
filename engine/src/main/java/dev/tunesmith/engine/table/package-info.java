/// Rows as columns, in files of Parquet and Arrow.
///
/// Start with [dev.tunesmith.engine.table.TableWriter]. What the columns are is known once all rows
/// were seen; until then they wait on disk.
@NullMarked
package dev.tunesmith.engine.table;

import org.jspecify.annotations.NullMarked;
