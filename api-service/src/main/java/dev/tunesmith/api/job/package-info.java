/// Fine-tuning jobs as clients see them.
///
/// Start at [JobResource]. [Submission] accepts a job in one transaction with its idempotency row;
/// from then on the scheduler is the only one who changes its state. What a client wants later
/// (cancel, pause, resume) is written as a wish. [EventStream] follows a job live.
@NullMarked
package dev.tunesmith.api.job;

import org.jspecify.annotations.NullMarked;
