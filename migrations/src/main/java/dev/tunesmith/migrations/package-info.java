/// The schema, and what must exist in a database before a service can use it. [Migrate] is the
/// main.
@NullMarked
package dev.tunesmith.migrations;

import org.jspecify.annotations.NullMarked;
