package dev.tunesmith.api.batch;

import dev.tunesmith.api.batch.Batch.LineError;
import dev.tunesmith.api.batch.Batches.Claim;
import dev.tunesmith.api.dataset.Files;
import dev.tunesmith.api.dataset.StoredFile;
import dev.tunesmith.api.model.Models;
import dev.tunesmith.api.web.Limits;
import dev.tunesmith.contracts.id.TenantId;
import dev.tunesmith.platform.json.Json;
import dev.tunesmith.platform.objects.ObjectStore;
import jakarta.inject.Singleton;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/// Reads the inputs of batches from the object store.
@Singleton
final class BatchInputs {
    private final ObjectStore objects;
    private final Files files;
    private final Models models;
    private final Limits limits;
    private final BatchSettings settings;

    BatchInputs(
            ObjectStore objects,
            Files files,
            Models models,
            Limits limits,
            BatchSettings settings) {
        this.objects = objects;
        this.files = files;
        this.models = models;
        this.limits = limits;
        this.settings = settings;
    }

    /// What a pass over all lines found.
    sealed interface Checked {
        /// All of them can be asked.
        record Good(Batches.Input input) implements Checked {}

        /// Some cannot, so none is.
        record Bad(List<LineError> errors) implements Checked {}
    }

    /// Looks at all lines.
    Checked check(Claim claim) {
        TenantId tenant = claim.tenant();
        Batch.Order order = claim.batch().order();
        Optional<StoredFile> file = files.find(tenant, Batches.ACTOR, order.input());
        if (file.isEmpty()) {
            String message = "The file %s is gone".formatted(order.input().wire());
            return new Checked.Bad(
                    List.of(new LineError("file_not_found", message, "input_file_id", null)));
        }
        StoredFile.Content content = file.get().content();
        var rules =
                new LineRules(
                        order.endpoint(),
                        settings.linesMax(),
                        model -> models.find(tenant, Batches.ACTOR, model).isPresent());
        try (InputStream input = objects.open(content.key())) {
            var lines = new InputLines(input, 0, 1, lineMax());
            Optional<InputLines.Line> line = lines.next();
            while (line.isPresent() && rules.check(line.get())) {
                line = lines.next();
            }
        } catch (IOException e) {
            throw broken(content.key(), e);
        }
        List<LineError> errors = rules.errors();
        return errors.isEmpty()
                ? new Checked.Good(
                        new Batches.Input(
                                content.key(),
                                content.bytes(),
                                rules.model().orElseThrow(),
                                rules.lines(),
                                rules.tokens()))
                : new Checked.Bad(errors);
    }

    /// The lines of the next part; none at the end.
    List<BatchRequest> next(Batch batch) {
        var requests = new ArrayList<BatchRequest>();
        try (InputStream input = rest(batch)) {
            InputLines lines = lines(batch, input);
            Optional<InputLines.Line> line = lines.next();
            while (line.isPresent()) {
                requests.add(request(line.get()));
                boolean full = requests.size() == settings.partLines();
                line = full ? Optional.empty() : lines.next();
            }
        } catch (IOException e) {
            throw broken(key(batch), e);
        }
        return requests;
    }

    /// The input from the first line on that is not answered.
    InputStream rest(Batch batch) {
        long from = batch.place().nextByte();
        long left = batch.place().bytes() - from;
        return left <= 0 ? InputStream.nullInputStream() : objects.open(key(batch), from, left);
    }

    /// The lines of [#rest].
    InputLines lines(Batch batch, InputStream rest) {
        return new InputLines(rest, batch.place().nextByte(), batch.place().nextLine(), lineMax());
    }

    static BatchRequest request(InputLines.Line line) {
        return BatchRequest.of(line, Json.tree(line.text()));
    }

    private static String key(Batch batch) {
        return Objects.requireNonNull(batch.place().key(), "the input was not read");
    }

    private int lineMax() {
        return Math.toIntExact(limits.chatBody().asLongValue());
    }

    private static UncheckedIOException broken(String key, IOException cause) {
        return new UncheckedIOException("reading the batch input " + key, cause);
    }
}
