/// Golden cases: whatever a `case.json` below a folder describes, computed by this project and
/// compared with what the reference implementation wrote beside it.
///
/// Start with [dev.tunesmith.bench.verify.Verify]. What a case is follows from its group, never
/// from its name; a group that nobody runs counts as failed. A new group is a new
/// [dev.tunesmith.bench.verify.CaseRunner] in the table of [dev.tunesmith.bench.verify.CaseGroups].
@NullMarked
package dev.tunesmith.bench.verify;

import org.jspecify.annotations.NullMarked;
