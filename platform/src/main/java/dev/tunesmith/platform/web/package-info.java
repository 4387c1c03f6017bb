/// Error bodies, in the two shapes that the platform speaks: [OpenAiError] below `/v1`,
/// [ProblemDetail] everywhere else; and [OrderlyEnd], what a web service says with its exit code.
@NullMarked
package dev.tunesmith.platform.web;

import org.jspecify.annotations.NullMarked;
