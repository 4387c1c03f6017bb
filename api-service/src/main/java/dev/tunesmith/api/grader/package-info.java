/// Graders tried out before a job is made of them: what reinforcement training would give an
/// answer.
///
/// Start at [GraderResource]. Reading and scoring are those of the jobs (`contracts.method`); only
/// a part that asks a model needs anything of this service.
@NullMarked
package dev.tunesmith.api.grader;

import org.jspecify.annotations.NullMarked;
