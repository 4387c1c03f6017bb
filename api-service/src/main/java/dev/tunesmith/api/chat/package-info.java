/// Chat and text completions, handed through to inference-service.
///
/// Start at [CompletionResource]. It checks who asks for which model and signs a short-lived grant;
/// [Upstream] sends the body on unchanged and hands the answer back while it is produced. The
/// client's pace is the upstream's pace, and a client that leaves ends the upstream call.
@NullMarked
package dev.tunesmith.api.chat;

import org.jspecify.annotations.NullMarked;
