package dev.tunesmith.api.batch;

import dev.tunesmith.api.batch.Batches.Claim;
import dev.tunesmith.api.dataset.Intake;
import dev.tunesmith.api.dataset.StoredFile;
import dev.tunesmith.contracts.id.FileId;
import dev.tunesmith.contracts.id.Ids;
import jakarta.inject.Singleton;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.time.Clock;
import java.util.Objects;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// Makes files of what was answered. Their ids were chosen with the first lease of the batch, so
/// that writing them twice leaves one of each.
@Singleton
final class BatchOutputs {
    private static final String PURPOSE = "batch_output";

    private final Parts parts;
    private final BatchInputs inputs;
    private final Intake intake;
    private final Ids ids;
    private final Clock clock;

    BatchOutputs(Parts parts, BatchInputs inputs, Intake intake, Ids ids, Clock clock) {
        this.parts = parts;
        this.inputs = inputs;
        this.intake = intake;
        this.ids = ids;
        this.clock = clock;
    }

    /// Writes the files that have a line.
    ///
    /// @param expired lines behind the last answered one, which get an error each
    void write(Claim claim, int expired) {
        Batch batch = claim.batch();
        if (batch.counts().completed() > 0) {
            Stream<byte[]> good = parts.lines(claim.tenant(), claim.id(), true);
            keep(claim, batch.results().output(), "output", good);
        }
        if (batch.counts().failed() + expired == 0) {
            return;
        }
        Stream<byte[]> bad = parts.lines(claim.tenant(), claim.id(), false);
        if (expired == 0) {
            keep(claim, batch.results().error(), "error", bad);
            return;
        }
        try (InputStream rest = inputs.rest(batch)) {
            Stream<byte[]> late = inputs.lines(batch, rest).rest().map(this::expired);
            keep(claim, batch.results().error(), "error", Stream.concat(bad, late));
        } catch (IOException e) {
            throw new UncheckedIOException("reading the input of " + claim.id(), e);
        }
    }

    private void keep(Claim claim, @Nullable FileId id, String kind, Stream<byte[]> lines) {
        Batch batch = claim.batch();
        Long kept = batch.order().keepSeconds();
        var origin =
                new StoredFile.Origin(
                        PURPOSE,
                        "%s_%s.jsonl".formatted(claim.id().wire(), kind),
                        kept == null ? null : clock.instant().plusSeconds(kept));
        try (var content = new Chunks(lines)) {
            intake.keep(
                    claim.tenant(),
                    Batches.ACTOR,
                    Objects.requireNonNull(id, "a claim chooses the ids"),
                    origin,
                    content);
        } catch (IOException e) {
            throw new UncheckedIOException("writing the files of " + claim.id(), e);
        }
    }

    /// The error of a line that nobody asked.
    private byte[] expired(InputLines.Line line) {
        AnswerLine late =
                AnswerLine.unanswered(
                        ids.next(),
                        BatchInputs.request(line),
                        "batch_expired",
                        "This request could not be executed before the completion window expired");
        return Parts.text(Stream.of(late));
    }
}
