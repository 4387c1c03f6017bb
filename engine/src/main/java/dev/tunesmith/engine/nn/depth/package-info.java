/// Layers that few tokens pass (Mixture-of-Depths, arXiv 2404.02258).
///
/// Start with [dev.tunesmith.engine.nn.depth.DepthRouter]. While a tape records, a share of every
/// text passes, chosen among all of its tokens; everywhere else each token is judged by itself, so
/// that decoding with a cache and without one see the same.
@NullMarked
package dev.tunesmith.engine.nn.depth;

import org.jspecify.annotations.NullMarked;
