/// Training methods: what each is called, what a row must hold for it, and what it has to be told.
///
/// To add one: a name in `Method`, a record in `MethodSettings`, its keys in `job.MethodReader`,
/// and an objective in the engine; every switch over them then breaks the build.
@NullMarked
package dev.tunesmith.contracts.method;

import org.jspecify.annotations.NullMarked;
