/// `tunesmith data`: training data as a model sees it, and other files made of it, by tasks on the
/// server.
@NullMarked
package dev.tunesmith.cli.data;

import org.jspecify.annotations.NullMarked;
