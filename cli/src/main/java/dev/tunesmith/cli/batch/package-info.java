/// Files of requests to a model that are answered while nobody waits: [BatchesCommand].
@NullMarked
package dev.tunesmith.cli.batch;

import org.jspecify.annotations.NullMarked;
