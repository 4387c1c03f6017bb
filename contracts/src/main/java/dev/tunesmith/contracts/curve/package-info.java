/// Figures of a run as curves: which there are, smoothed, and thinned out to what a picture or a
/// terminal can show.
@NullMarked
package dev.tunesmith.contracts.curve;

import org.jspecify.annotations.NullMarked;
