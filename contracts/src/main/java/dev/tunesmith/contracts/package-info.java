/// What crosses a process border, and the pure rules on it.
///
/// Start with `job.JobSpec` (what a user asks for) and `event.Report` (what a trainer says). The
/// packages depend on each other in one direction: `event` → `job` → `fit`, `data` → `problem`,
/// `id`; `template` (on `jinja`) and `serving` stand beside them. Nothing here does I/O, reads a
/// clock or knows a JSON library: JSON comes in as trees (`Map`, `List`, `String`, `Number`,
/// `Boolean`, `null`).
@NullMarked
package dev.tunesmith.contracts;

import org.jspecify.annotations.NullMarked;
