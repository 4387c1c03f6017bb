package dev.tunesmith.api.model;

import dev.tunesmith.api.tenant.Caller;
import dev.tunesmith.api.tenant.CurrentCaller;
import dev.tunesmith.api.tenant.Scope;
import dev.tunesmith.api.web.ApiException;
import dev.tunesmith.contracts.event.Manifest;
import dev.tunesmith.contracts.problem.ProblemCode;
import dev.tunesmith.platform.objects.ObjectStore;
import dev.tunesmith.platform.objects.PublishedManifest;
import io.smallrye.common.annotation.RunOnVirtualThread;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.QueryParam;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.Response;
import jakarta.ws.rs.core.StreamingOutput;
import java.io.InputStream;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// `/api/v1/model-files`: the files of a model, as its manifest lists them. Names may hold `/` and
/// `:`, so model and file are query parameters.
@Path("/api/v1/model-files")
@RunOnVirtualThread
public final class ExportResource {
    private final CurrentCaller callers;
    private final Models models;
    private final ObjectStore objects;

    ExportResource(CurrentCaller callers, Models models, ObjectStore objects) {
        this.callers = callers;
        this.models = models;
        this.objects = objects;
    }

    /// Names, lengths and hashes of a model's files.
    public record Listing(String object, List<FileView> data) {}

    /// One file of a model.
    public record FileView(String name, long bytes, String sha256) {}

    @GET
    @Produces(MediaType.APPLICATION_JSON)
    public Listing list(@QueryParam("model") @Nullable String model) {
        List<FileView> files =
                manifest(model).objects().stream()
                        .map(entry -> new FileView(entry.name(), entry.bytes(), entry.sha256()))
                        .toList();
        return new Listing("list", files);
    }

    @GET
    @Path("/content")
    @Produces(MediaType.APPLICATION_OCTET_STREAM)
    public Response content(
            @QueryParam("model") @Nullable String model,
            @QueryParam("file") @Nullable String file) {
        Manifest.Entry entry =
                manifest(model)
                        .find(file == null ? "" : file)
                        .orElseThrow(() ->
                                ApiException.notFound(
                                        ProblemCode.FILE_NOT_FOUND, "file", String.valueOf(file)));
        StreamingOutput body =
                out -> {
                    try (InputStream in = objects.open(entry.key())) {
                        in.transferTo(out);
                    }
                };
        return Response.ok(body).header("content-length", entry.bytes()).build();
    }

    private Manifest manifest(@Nullable String name) {
        Caller caller = callers.with(Scope.MODELS);
        Model model =
                models.find(caller.tenant(), caller.actor(), name == null ? "" : name)
                        .orElseThrow(() ->
                                ApiException.notFound(
                                        ProblemCode.MODEL_NOT_FOUND,
                                        "model",
                                        String.valueOf(name)));
        return PublishedManifest.read(objects, model.weights().manifest());
    }
}
