/// Requests that are sent twice and make one thing: [CreateRequest] is what came in, [FirstAnswers]
/// what was said to it before.
@NullMarked
package dev.tunesmith.api.repeat;

import org.jspecify.annotations.NullMarked;
