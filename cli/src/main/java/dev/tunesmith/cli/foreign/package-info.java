/// Training files of other trainers, translated into a job spec.
///
/// What becomes of each of their options stands in tables beside these classes (`*.rules`). Start
/// at [dev.tunesmith.cli.foreign.Translation]; [dev.tunesmith.cli.foreign.ForeignTrainer] lists the
/// trainers. A new option is a new row.
@NullMarked
package dev.tunesmith.cli.foreign;

import org.jspecify.annotations.NullMarked;
