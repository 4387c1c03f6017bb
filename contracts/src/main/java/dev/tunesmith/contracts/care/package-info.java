/// What keeps a run in good shape: the guard against failing numbers, the average of the weights,
/// which of its states is kept, and how parts of a model are treated apart. Start with [Care].
@NullMarked
package dev.tunesmith.contracts.care;

import org.jspecify.annotations.NullMarked;
