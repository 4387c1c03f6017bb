/// Training files: upload, list, content, delete.
///
/// Start at [FileResource]. An upload runs through [Intake]: the multipart body goes part by part
/// from the socket to the object store, is hashed and checked row by row on the way, and becomes
/// visible with its row in [Files] as the last step. Until then nothing of it can be seen.
@NullMarked
package dev.tunesmith.api.dataset;

import org.jspecify.annotations.NullMarked;
