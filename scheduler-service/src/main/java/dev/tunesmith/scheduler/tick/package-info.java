/// Work that is done again and again, each on a thread of its own: [Pulse].
@NullMarked
package dev.tunesmith.scheduler.tick;

import org.jspecify.annotations.NullMarked;
