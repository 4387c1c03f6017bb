package dev.tunesmith.api.dataset;

import dev.tunesmith.api.tenant.Caller;
import dev.tunesmith.api.tenant.CurrentCaller;
import dev.tunesmith.api.tenant.Scope;
import dev.tunesmith.api.web.ApiException;
import dev.tunesmith.api.web.Page;
import dev.tunesmith.api.web.Slots;
import dev.tunesmith.contracts.id.FileId;
import dev.tunesmith.contracts.problem.ProblemCode;
import dev.tunesmith.platform.objects.ObjectStore;
import io.smallrye.common.annotation.RunOnVirtualThread;
import jakarta.ws.rs.DELETE;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.HeaderParam;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.PathParam;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.QueryParam;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.Response;
import jakarta.ws.rs.core.StreamingOutput;
import java.io.IOException;
import java.io.InputStream;
import java.util.List;
import org.eclipse.microprofile.openapi.annotations.media.Content;
import org.eclipse.microprofile.openapi.annotations.media.Schema;
import org.eclipse.microprofile.openapi.annotations.parameters.RequestBody;
import org.jspecify.annotations.Nullable;

/// `/v1/files`.
@Path("/v1/files")
@Produces(MediaType.APPLICATION_JSON)
@RunOnVirtualThread
public final class FileResource {
    private static final int PAGE_MAX = 10_000;

    private final CurrentCaller callers;
    private final Files files;
    private final Intake intake;
    private final ObjectStore objects;
    private final Slots slots;

    FileResource(
            CurrentCaller callers, Files files, Intake intake, ObjectStore objects, Slots slots) {
        this.callers = callers;
        this.files = files;
        this.intake = intake;
        this.objects = objects;
        this.slots = slots;
    }

    @POST
    public FileView create(
            @RequestBody(
                            content =
                                    @Content(
                                            mediaType = "multipart/form-data",
                                            schema = @Schema(ref = "FileForm")))
                    InputStream body,
            @HeaderParam("content-type") @Nullable String contentType)
            throws IOException {
        Caller caller = callers.with(Scope.FILES);
        try (Slots.Slot _ = slots.upload(caller.tenant())) {
            return FileView.of(intake.receive(caller, body, contentType));
        }
    }

    @GET
    public Page<FileView> list(
            @QueryParam("purpose") @Nullable String purpose,
            @QueryParam("after") @Nullable String after,
            @QueryParam("limit") @Nullable String limit,
            @QueryParam("order") @Nullable String order) {
        Caller caller = callers.with(Scope.FILES);
        int size = Page.limit(limit, PAGE_MAX, PAGE_MAX);
        var query =
                new Files.Query(
                        purpose,
                        after == null ? null : cursor(after),
                        Page.isAscending(order),
                        size);
        List<FileView> found =
                files.list(caller.tenant(), caller.actor(), query).stream()
                        .map(FileView::of)
                        .toList();
        return Page.of(found, size, file -> file.id().wire());
    }

    @GET
    @Path("/{id}")
    public FileView get(@PathParam("id") String id) {
        return FileView.of(find(callers.with(Scope.FILES), id));
    }

    @GET
    @Path("/{id}/content")
    @Produces(MediaType.WILDCARD)
    public Response content(
            @PathParam("id") String id, @HeaderParam("range") @Nullable String range) {
        StoredFile file = find(callers.with(Scope.FILES), id);
        long size = file.content().bytes();
        Response.ResponseBuilder answer =
                switch (ByteRange.of(range, size)) {
                    case ByteRange.Wanted.Everything() ->
                            Response.ok(stream(file, new ByteRange(0, size)))
                                    .header("content-length", size);
                    case ByteRange.Wanted.Part(ByteRange part) ->
                            Response.status(Response.Status.PARTIAL_CONTENT)
                                    .entity(stream(file, part))
                                    .header("content-length", part.length())
                                    .header("content-range", part.header(size));
                    case ByteRange.Wanted.Unsatisfiable() ->
                            throw ApiException.of(
                                    ProblemCode.RANGE_NOT_SATISFIABLE,
                                    "range",
                                    "The file has %d bytes, found the range '%s'"
                                            .formatted(size, range));
                };
        return answer.type(MediaType.APPLICATION_OCTET_STREAM)
                .header("accept-ranges", "bytes")
                .header("content-disposition", "attachment")
                .build();
    }

    @DELETE
    @Path("/{id}")
    public FileView.Deleted delete(@PathParam("id") String id) {
        Caller caller = callers.with(Scope.FILES);
        FileId file = FileId.find(id).orElseThrow(() -> unknown(id));
        return switch (files.delete(caller.tenant(), caller.actor(), file, objects::delete)) {
            case DONE -> new FileView.Deleted(id, "file", true);
            case UNKNOWN -> throw unknown(id);
            case IN_USE ->
                    throw ApiException.of(
                            ProblemCode.FILE_IN_USE,
                            "id",
                            "%s is used by a job or a batch that has not ended; cancel it first"
                                    .formatted(id));
        };
    }

    private StoredFile find(Caller caller, String id) {
        return FileId.find(id)
                .flatMap(file -> files.find(caller.tenant(), caller.actor(), file))
                .orElseThrow(() -> unknown(id));
    }

    private StreamingOutput stream(StoredFile file, ByteRange range) {
        String key = file.content().key();
        boolean whole = range.length() == file.content().bytes();
        return out -> {
            try (InputStream content =
                    whole ? objects.open(key) : objects.open(key, range.offset(), range.length())) {
                content.transferTo(out);
            }
        };
    }

    private static FileId cursor(String after) {
        return FileId.find(after)
                .orElseThrow(() ->
                        ApiException.of(
                                ProblemCode.INVALID_VALUE,
                                "after",
                                "expected the id of a file, found '%s'".formatted(after)));
    }

    private static ApiException unknown(String id) {
        return ApiException.notFound(ProblemCode.FILE_NOT_FOUND, "file", id);
    }
}
