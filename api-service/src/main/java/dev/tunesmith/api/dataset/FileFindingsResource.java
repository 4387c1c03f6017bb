package dev.tunesmith.api.dataset;

import dev.tunesmith.api.tenant.Caller;
import dev.tunesmith.api.tenant.CurrentCaller;
import dev.tunesmith.api.tenant.Scope;
import dev.tunesmith.api.web.ApiException;
import dev.tunesmith.api.web.Slots;
import dev.tunesmith.contracts.id.FileId;
import dev.tunesmith.contracts.problem.ProblemCode;
import dev.tunesmith.platform.json.FindingLines;
import dev.tunesmith.platform.objects.ObjectStore;
import io.smallrye.common.annotation.RunOnVirtualThread;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.PathParam;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.core.Response;
import jakarta.ws.rs.core.StreamingOutput;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;

/// `/api/v1/files`: what OpenAI's object has no place for.
@Path("/api/v1/files")
@RunOnVirtualThread
public final class FileFindingsResource {

    private final CurrentCaller callers;
    private final Files files;
    private final ObjectStore objects;
    private final Slots slots;

    FileFindingsResource(CurrentCaller callers, Files files, ObjectStore objects, Slots slots) {
        this.callers = callers;
        this.files = files;
        this.objects = objects;
        this.slots = slots;
    }

    /// Every finding in the rows of a file for training that is JSON lines, one JSON object a line
    /// with file, line, kind and message. Nothing is kept of them: the file, which never changes,
    /// is checked again while they are sent.
    @GET
    @Path("/{id}/findings")
    @Produces("application/jsonl")
    public Response findings(@PathParam("id") String id) {
        Caller caller = callers.with(Scope.FILES);
        StoredFile file =
                FileId.find(id)
                        .flatMap(one -> files.find(caller.tenant(), caller.actor(), one))
                        .orElseThrow(() ->
                                ApiException.notFound(ProblemCode.FILE_NOT_FOUND, "file", id));
        StreamingOutput lines =
                out -> {
                    try (Slots.Slot _ = slots.upload(caller.tenant())) {
                        if (file.isTrainingData()) {
                            write(file, out);
                        }
                    }
                };
        return Response.ok(lines).build();
    }

    private void write(StoredFile file, OutputStream out) throws IOException {
        String name = file.origin().filename();
        try (InputStream content = objects.open(file.content().key());
                FindingLines lines = FindingLines.of(out)) {
            var check = new RowCheck(name, lines.of(name));
            long _ = check.watching(content).transferTo(OutputStream.nullOutputStream());
            RowReport _ = check.report();
        } catch (UncheckedIOException e) {
            throw e.getCause();
        }
    }
}
