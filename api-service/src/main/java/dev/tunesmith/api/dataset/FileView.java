package dev.tunesmith.api.dataset;

import com.fasterxml.jackson.annotation.JsonInclude;
import dev.tunesmith.contracts.id.FileId;
import java.time.Instant;
import org.eclipse.microprofile.openapi.annotations.media.Schema;
import org.jspecify.annotations.Nullable;

/// A file object on the wire.
///
/// @param status `processed` when its rows may be trained on, `error` otherwise
/// @param statusDetails why not, or what a job has to name for it
/// @param xReport rows, format and the first problems with their lines
@JsonInclude(JsonInclude.Include.ALWAYS)
@Schema(name = "File")
record FileView(
        FileId id,
        String object,
        long bytes,
        long createdAt,
        @Nullable Long expiresAt,
        String filename,
        String purpose,
        String status,
        @Nullable String statusDetails,
        String xSha256,
        RowReport xReport) {

    static FileView of(StoredFile file) {
        Instant expires = file.origin().expiresAt();
        return new FileView(
                file.id(),
                "file",
                file.content().bytes(),
                file.createdAt().getEpochSecond(),
                expires == null ? null : expires.getEpochSecond(),
                file.origin().filename(),
                file.origin().purpose(),
                file.isProcessed() ? "processed" : "error",
                file.refusal().orElse(null),
                file.content().sha256(),
                file.report());
    }

    /// The answer to a delete.
    @Schema(name = "FileDeleted")
    record Deleted(String id, String object, boolean deleted) {}
}
