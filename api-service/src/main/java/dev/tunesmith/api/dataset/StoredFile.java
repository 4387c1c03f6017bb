package dev.tunesmith.api.dataset;

import dev.tunesmith.contracts.id.FileId;
import java.time.Instant;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// A file of a tenant.
///
/// @param origin who made it and how it is called
/// @param content its bytes in the object store
/// @param report what the check of its rows found
public record StoredFile(
        FileId id, Origin origin, Content content, RowReport report, Instant createdAt) {

    /// Why its rows cannot be trained on, the first problems and where the others are; empty if
    /// they can.
    Optional<String> refusal() {
        String all =
                report.problemCount() > report.problems().size()
                        ? "; all of them: GET /api/v1/files/%1$s/findings, or tunesmith files findings %1$s"
                                .formatted(id.wire())
                        : "";
        return report.text().map(text -> text + all);
    }

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
