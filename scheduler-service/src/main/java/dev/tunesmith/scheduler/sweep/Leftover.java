package dev.tunesmith.scheduler.sweep;

import java.util.Optional;
import java.util.UUID;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// A prefix of objects that may be a leftover, by the kind of process that writes there.
sealed interface Leftover {
    Pattern UPLOAD = Pattern.compile("(t/[^/]+/incoming/[^/]+/).+");
    Pattern ATTEMPT =
            Pattern.compile(
                    "(t/[^/]+/j/[^/]+/(?:ckpt|result)/(?:[0-9]{12}-)?[0-9]+-([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})/).+");
    Pattern FINDINGS =
            Pattern.compile(
                    "(t/[^/]+/j/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})/findings/[^/]+/).+");
    Pattern IMPORT = Pattern.compile("(t/[^/]+/models/[^/]+/).+");

    Pattern TOKENS =
            Pattern.compile(
                    "(t/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})/tokens/([0-9a-f]{64})/).+");

    Pattern BATCH =
            Pattern.compile("(t/[^/]+/batches/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})/).+");

    /// With a slash at the end.
    String prefix();

    /// A raw upload; what became a file was copied away.
    record Upload(String prefix) implements Leftover {}

    /// A checkpoint or a result; it counts once its manifest has a row.
    record OfAttempt(String prefix, UUID lease) implements Leftover {}

    /// The findings in the data of a job; they count as long as they are the job's file.
    record Findings(String prefix, UUID job) implements Leftover {}

    /// An imported model; it counts once it has a row.
    record Import(String prefix) implements Leftover {}

    /// Tokens of a file; they count as long as the tenant has the file.
    record Tokens(String prefix, UUID tenant, String sha256) implements Leftover {}

    /// Answered parts of a batch; they count until it has ended.
    record OfBatch(String prefix, UUID batch) implements Leftover {}

    /// Where the key belongs to; empty for everything that is never swept: data sets, logs, base
    /// models.
    static Optional<Leftover> of(String key) {
        Matcher upload = UPLOAD.matcher(key);
        if (upload.matches()) {
            return Optional.of(new Upload(upload.group(1)));
        }
        Matcher attempt = ATTEMPT.matcher(key);
        if (attempt.matches()) {
            return Optional.of(new OfAttempt(attempt.group(1), UUID.fromString(attempt.group(2))));
        }
        Matcher findings = FINDINGS.matcher(key);
        if (findings.matches()) {
            return Optional.of(new Findings(findings.group(1), UUID.fromString(findings.group(2))));
        }
        Matcher tokens = TOKENS.matcher(key);
        if (tokens.matches()) {
            UUID tenant = UUID.fromString(tokens.group(2));
            return Optional.of(new Tokens(tokens.group(1), tenant, tokens.group(3)));
        }
        Matcher batch = BATCH.matcher(key);
        if (batch.matches()) {
            return Optional.of(new OfBatch(batch.group(1), UUID.fromString(batch.group(2))));
        }
        Matcher imported = IMPORT.matcher(key);
        return imported.matches() ? Optional.of(new Import(imported.group(1))) : Optional.empty();
    }
}
