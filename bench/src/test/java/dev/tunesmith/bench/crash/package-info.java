/// The packaged platform under fire: its processes are started as a user starts them, killed in the
/// middle of a job, and asked afterwards what they still know. [PackagedStack] holds the processes,
/// [StackApi] speaks to them as a client, [StackSql] reads what the database says, [Crash] is one
/// experiment, [ImportedModel] a user's own model on the whole path.
@NullMarked
package dev.tunesmith.bench.crash;

import org.jspecify.annotations.NullMarked;
