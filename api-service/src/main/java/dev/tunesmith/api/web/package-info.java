/// What every endpoint shares: error bodies, request ids, body limits, JSON, pages and streams.
///
/// Start at [ApiException]: whatever goes wrong is one of these, and [ErrorMapper] is the only
/// place that turns it into bytes. Below `/v1` the body has OpenAI's shape, elsewhere it is a
/// problem document (RFC 9457).
@NullMarked
package dev.tunesmith.api.web;

import org.jspecify.annotations.NullMarked;
