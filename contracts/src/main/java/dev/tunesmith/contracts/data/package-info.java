/// Rows of training files: their formats, the checks at upload, and their figures.
@NullMarked
package dev.tunesmith.contracts.data;

import org.jspecify.annotations.NullMarked;
