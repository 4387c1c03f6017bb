package dev.tunesmith.api.dataset;

import dev.tunesmith.contracts.id.FileId;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/// A file of a tenant.
///
/// @param origin who made it and how it is called
/// @param content its bytes in the object store
/// @param report what the check of its rows found
public record StoredFile(
        FileId id, Origin origin, Content content, RowReport report, Instant createdAt) {

    /// Whether its purpose is training.
    public boolean isTrainingData() {
        return origin.purpose().equals(Purpose.FINE_TUNE);
    }

    /// Whether its purpose is a batch.
    public boolean isBatchInput() {
        return origin.purpose().equals(Purpose.BATCH);
    }

    /// What the client said.
    public record Origin(String purpose, String filename, @Nullable Instant expiresAt) {}

    /// Immutable bytes.
    ///
    /// @param sha256 64 lower-case hexadecimal digits
    public record Content(String key, long bytes, String sha256) {}
}
