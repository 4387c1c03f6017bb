package dev.tunesmith.api.dataset;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.tunesmith.api.tenant.Caller;
import dev.tunesmith.api.web.ApiException;
import dev.tunesmith.api.web.Limits;
import dev.tunesmith.contracts.id.FileId;
import dev.tunesmith.contracts.id.Ids;
import dev.tunesmith.contracts.id.TenantId;
import dev.tunesmith.contracts.problem.Problem;
import dev.tunesmith.contracts.problem.ProblemCode;
import dev.tunesmith.contracts.problem.Problems;
import dev.tunesmith.platform.objects.ObjectStore;
import dev.tunesmith.platform.objects.ObjectStore.Stored;
import jakarta.inject.Singleton;
import java.io.IOException;
import java.io.InputStream;
import java.time.Clock;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// Takes an upload from the socket into the object store.
///
/// The bytes first land under `incoming/`, where nothing refers to them. Only when the form is
/// complete and right are they copied to `datasets/<sha256>` and given a row. A client that breaks
/// off, at whatever byte, leaves nothing that can be seen.
@Singleton
public final class Intake {
    private static final int FIELD_MAX = 8 * 1024;
    private static final int PARTS_MAX = 32;

    private final ObjectStore objects;
    private final Files files;
    private final Limits limits;
    private final Ids ids;
    private final Clock clock;

    Intake(ObjectStore objects, Files files, Limits limits, Ids ids, Clock clock) {
        this.objects = objects;
        this.files = files;
        this.limits = limits;
        this.ids = ids;
        this.clock = clock;
    }

    /// The parts of a form, before anyone has looked at what they say.
    private record Form(Map<String, String> fields, Optional<Landed> file) {}

    /// The file part, stored where nothing refers to it.
    private record Landed(String name, Stored object, RowReport report) {}

    /// Receives one file.
    ///
    /// @throws ApiException with everything that is wrong with the form
    /// @throws IOException when the client breaks off
    StoredFile receive(Caller caller, InputStream body, @Nullable String contentType)
            throws IOException {
        FormReader reader =
                FormReader.open(body, contentType)
                        .orElseThrow(() ->
                                ApiException.of(
                                        ProblemCode.INVALID_VALUE,
                                        "Expected a multipart/form-data body with the"
                                                + " fields 'file' and 'purpose'"));
        String incoming = incoming(caller.tenant());
        try {
            Form form = read(reader, incoming);
            return accept(caller, form);
        } catch (FormReader.DamagedFormException e) {
            throw ApiException.of(
                    ProblemCode.INVALID_VALUE, "The form cannot be read: " + e.getMessage());
        } finally {
            objects.delete(incoming);
        }
    }

    private Form read(FormReader reader, String incoming) throws IOException {
        var fields = new LinkedHashMap<String, String>();
        Optional<Landed> file = Optional.empty();
        int parts = 0;
        for (Optional<FormReader.Part> next = reader.next();
                next.isPresent();
                next = reader.next()) {
            FormReader.Part part = next.get();
            parts++;
            if (parts > PARTS_MAX) {
                throw ApiException.of(
                        ProblemCode.INVALID_VALUE,
                        "The form has more than %d parts".formatted(PARTS_MAX));
            }
            if (part.name().equals("file") && file.isEmpty()) {
                file = Optional.of(land(part, incoming));
            } else {
                fields.put(part.name(), field(part));
            }
        }
        return new Form(fields, file);
    }

    private Landed land(FormReader.Part part, String key) throws IOException {
        var rows = new RowCheck(part.fileName().orElse(""));
        Stored stored =
                objects.put(key, rows.watching(part.content()), limits.fileForm().asLongValue());
        FileName name = FileName.of(part.fileName().orElse(FileName.UNNAMED), limits.fileNameMax());
        return new Landed(name.text(), stored, rows.report());
    }

    private static String field(FormReader.Part part) throws IOException {
        byte[] value = part.content().readNBytes(FIELD_MAX + 1);
        if (value.length > FIELD_MAX) {
            throw ApiException.of(
                    ProblemCode.INVALID_VALUE,
                    part.name(),
                    "%s is over %d bytes".formatted(part.name(), FIELD_MAX));
        }
        return new String(value, UTF_8);
    }

    private StoredFile accept(Caller caller, Form form) {
        var problems = new Problems();
        String purpose = form.fields().getOrDefault("purpose", "");
        Purpose.check(purpose).ifPresent(problems::add);
        Instant now = clock.instant();
        Optional<Instant> expires = Expiry.of(form.fields(), now, problems);
        if (form.file().isEmpty()) {
            problems.add(
                    Problem.of(
                            ProblemCode.MISSING_REQUIRED_PARAMETER,
                            "file",
                            "send the file as the form part 'file'"));
        }
        if (!problems.none()) {
            throw ApiException.of(problems.kept());
        }
        Landed landed = form.file().orElseThrow();
        boolean training = purpose.equals(Purpose.FINE_TUNE);
        Stored object = landed.object();
        String key = datasetKey(caller.tenant(), object.sha256());
        var file =
                new StoredFile(
                        ids.nextFile(),
                        new StoredFile.Origin(purpose, landed.name(), expires.orElse(null)),
                        new StoredFile.Content(key, object.bytes(), object.sha256()),
                        training ? landed.report() : RowReport.UNCHECKED,
                        now);
        publish(caller.tenant(), caller.actor(), file, object.key());
        return file;
    }

    /// Stores what the platform itself made for a tenant as one of its files, once: an id that is
    /// taken is left as it is.
    ///
    /// @throws IOException when the content cannot be read
    public void keep(
            TenantId tenant, String actor, FileId id, StoredFile.Origin origin, InputStream content)
            throws IOException {
        if (files.exists(tenant, actor, id)) {
            return;
        }
        String incoming = incoming(tenant);
        try {
            Stored object = objects.put(incoming, content, Long.MAX_VALUE);
            publish(
                    tenant,
                    actor,
                    new StoredFile(
                            id,
                            origin,
                            new StoredFile.Content(
                                    datasetKey(tenant, object.sha256()),
                                    object.bytes(),
                                    object.sha256()),
                            RowReport.UNCHECKED,
                            clock.instant()),
                    incoming);
        } finally {
            objects.delete(incoming);
        }
    }

    private String incoming(TenantId tenant) {
        return "t/%s/incoming/%s/file".formatted(tenant.value(), ids.next());
    }

    /// Copies the bytes to their place and adds the row. A delete of a twin between the two takes
    /// the object away again, then it is copied once more.
    private void publish(TenantId tenant, String actor, StoredFile file, String incoming) {
        String key = file.content().key();
        boolean added = false;
        while (!added) {
            if (objects.head(key).isEmpty()) {
                Stored copied = objects.copy(incoming, key);
                assert copied.bytes() == file.content().bytes();
            }
            added = files.add(tenant, actor, file, () -> objects.head(key).isPresent());
        }
    }

    /// Whether an object came as an upload, and is nothing but the content of files.
    static boolean isDataset(TenantId tenant, String key) {
        return key.startsWith(datasetKey(tenant, ""));
    }

    private static String datasetKey(TenantId tenant, String sha256) {
        return "t/%s/datasets/%s".formatted(tenant.value(), sha256);
    }
}
