/// What is found in the data of a job before it is queued, file by file, and what the run will take
/// by that.
///
/// Start with [dev.tunesmith.contracts.survey.DataSurvey]: a trainer host makes it, the scheduler
/// adds the estimate, API and command line show it. It names lines and never what stands on them.
@NullMarked
package dev.tunesmith.contracts.survey;

import org.jspecify.annotations.NullMarked;
