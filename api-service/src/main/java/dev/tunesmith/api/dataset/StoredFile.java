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

    /// Whether its rows may be trained on, perhaps under names of their own.
    boolean isProcessed() {
        return report.ok() || report.hasUnknownShape();
    }

    /// Why its rows cannot be trained on as they are, the first problems and where the others are;
    /// empty if they can.
    Optional<String> refusal() {
        String all =
                report.problemCount() > report.problems().size()
                        ? "; all of them: GET /api/v1/files/%1$s/findings, or tunesmith files findings %1$s"
                                .formatted(id.wire())
                        : "";
        String own =
                report.hasUnknownShape()
                        ? "no row has a shape that is recognised by itself: a job names their columns by"
                                + " x_training.data [{\"file\": \"%s\", \"columns\": {…}}]; "
                                        .formatted(id.wire())
                        : "";
        return report.text().map(text -> own + text + all);
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
