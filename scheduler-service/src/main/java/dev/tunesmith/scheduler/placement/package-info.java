/// Which queued job goes to which kind of device now, and why the others wait.
///
/// Start with [Placement]: a picture of queue, tenants and hosts in, one verdict a job out. The
/// statements that carry a verdict out are in [Queue]; each proves that the job has not changed
/// since the picture was taken, so two planners cannot place a job twice. [ShareOrder] is the seam
/// for weighted fair share.
@NullMarked
package dev.tunesmith.scheduler.placement;

import org.jspecify.annotations.NullMarked;
