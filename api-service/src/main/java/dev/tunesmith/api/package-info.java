/// The HTTP face of the platform: OpenAI's wire below `/v1`, our own additions below `/api/v1`.
///
/// Start at [Wiring] for the parts and at a feature's resource (`job.JobResource`,
/// `dataset.FileResource`, `chat.CompletionResource`) for what a request does. Invariants: every
/// path needs a key; the tenant comes from the key; a job's state is read here and never written.
@NullMarked
package dev.tunesmith.api;

import org.jspecify.annotations.NullMarked;
