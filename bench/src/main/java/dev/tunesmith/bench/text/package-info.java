/// Runners of `verify` for the groups below `text` that other projects' data handling defines:
/// named templates, tool formats, datasets, scores.
@NullMarked
package dev.tunesmith.bench.text;

import org.jspecify.annotations.NullMarked;
