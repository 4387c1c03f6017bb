/// Rows of files of every kind: JSON, JSON lines, CSV, text, Parquet and Arrow, plain or
/// compressed.
///
/// Start with [RowFile]. Every reader streams, and bounds what a file can make it hold: what a
/// header claims is never believed before the bytes are there.
@NullMarked
package dev.tunesmith.engine.rows;

import org.jspecify.annotations.NullMarked;
