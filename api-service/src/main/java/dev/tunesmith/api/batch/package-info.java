/// Batches: a file of requests to a model becomes a file of answers, while nobody waits.
///
/// Start at [BatchResource] for the wire and at [BatchWork] for what happens. Every replica has a
/// few [BatchWorkers]; one leases a batch ([Batches]), answers the next part of its lines and
/// leaves it for the next one, so that batches take turns. A part is stored create-only under the
/// offset of its first line ([Parts]) before the row moves on: whoever comes second with the same
/// lines reads what the first one stored, so a line has one answer whatever is killed and whenever.
@NullMarked
package dev.tunesmith.api.batch;

import org.jspecify.annotations.NullMarked;
