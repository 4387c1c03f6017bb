/// Models that a tenant can see: those of the platform and its own.
///
/// Start at [ModelResource] for OpenAI's list and at [ImportResource] for a model directory that
/// comes as a tar stream. [ModelImport] checks and stores file by file; objects first, then the
/// manifest, then the row, so that a half import is never a model.
@NullMarked
package dev.tunesmith.api.model;

import org.jspecify.annotations.NullMarked;
