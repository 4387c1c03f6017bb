/// Rows that say the same: found by fingerprints, and kept together when a set is divided.
///
/// Start with [dev.tunesmith.contracts.twin.Twins] to find repeated rows and with
/// [dev.tunesmith.contracts.twin.HoldOut] to divide a set. Nothing here keeps the text of a row, so
/// that a million rows take megabytes.
@NullMarked
package dev.tunesmith.contracts.twin;

import org.jspecify.annotations.NullMarked;
