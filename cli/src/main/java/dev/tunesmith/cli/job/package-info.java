/// What people read of a job. Start with [dev.tunesmith.cli.job.JobLines].
@NullMarked
package dev.tunesmith.cli.job;

import org.jspecify.annotations.NullMarked;
