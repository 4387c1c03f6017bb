package dev.tunesmith.api.model;

import dev.tunesmith.api.tenant.Caller;
import dev.tunesmith.api.tenant.CurrentCaller;
import dev.tunesmith.api.tenant.Scope;
import dev.tunesmith.api.web.ApiException;
import dev.tunesmith.api.web.Slots;
import dev.tunesmith.contracts.problem.ProblemCode;
import io.smallrye.common.annotation.RunOnVirtualThread;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.PathParam;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.QueryParam;
import jakarta.ws.rs.core.MediaType;
import java.io.IOException;
import java.io.InputStream;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/// `/api/v1/models`: import of a model directory, and what OpenAI's object has no place for.
@Path("/api/v1/models")
@Produces(MediaType.APPLICATION_JSON)
@RunOnVirtualThread
public final class ImportResource {
    private static final Pattern NAME =
            Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,95}(/[A-Za-z0-9][A-Za-z0-9._-]{0,95})?");

    private final CurrentCaller callers;
    private final Models models;
    private final ModelImport imports;
    private final Slots slots;

    ImportResource(CurrentCaller callers, Models models, ModelImport imports, Slots slots) {
        this.callers = callers;
        this.models = models;
        this.imports = imports;
        this.slots = slots;
    }

    @POST
    public ModelView.Detail create(
            InputStream tar,
            @QueryParam("name") @Nullable String name,
            @QueryParam("base") @Nullable String base)
            throws IOException {
        boolean platform = "true".equals(base);
        Caller caller = callers.with(platform ? Scope.OPERATOR : Scope.MODELS);
        if (name == null || !NAME.matcher(name).matches() || name.contains("..")) {
            throw ApiException.of(
                    ProblemCode.INVALID_VALUE,
                    "name",
                    "name: expected letters, digits, '.', '_' and '-', with at most one '/',"
                            + " found '%s'".formatted(name));
        }
        boolean taken =
                models.find(caller.tenant(), caller.actor(), name)
                        .filter(found -> found.platform() == platform)
                        .isPresent();
        if (taken) {
            throw ModelImport.exists(name);
        }
        try (Slots.Slot _ = slots.upload(caller.tenant())) {
            Model model = imports.receive(caller, new ModelImport.Order(name, platform), tar);
            return ModelView.Detail.of(model);
        }
    }

    @GET
    @Path("/{name:.+}")
    public ModelView.Detail get(@PathParam("name") String name) {
        Caller caller = callers.with(Scope.MODELS);
        return models.find(caller.tenant(), caller.actor(), name)
                .map(ModelView.Detail::of)
                .orElseThrow(
                        () -> ApiException.notFound(ProblemCode.MODEL_NOT_FOUND, "model", name));
    }
}
