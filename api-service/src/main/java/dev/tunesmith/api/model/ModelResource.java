package dev.tunesmith.api.model;

import dev.tunesmith.api.tenant.Caller;
import dev.tunesmith.api.tenant.CurrentCaller;
import dev.tunesmith.api.tenant.Scope;
import dev.tunesmith.api.web.ApiException;
import dev.tunesmith.contracts.problem.ProblemCode;
import io.smallrye.common.annotation.RunOnVirtualThread;
import jakarta.ws.rs.DELETE;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.PathParam;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.core.MediaType;
import java.util.LinkedHashMap;
import java.util.List;

/// `/v1/models`. Names may hold `:` and `/`, the latter also escaped as `%2F`.
@Path("/v1/models")
@Produces(MediaType.APPLICATION_JSON)
@RunOnVirtualThread
public final class ModelResource {
    private final CurrentCaller callers;
    private final Models models;

    ModelResource(CurrentCaller callers, Models models) {
        this.callers = callers;
        this.models = models;
    }

    @GET
    public ModelView.Listing list() {
        Caller caller = callers.with(Scope.MODELS);
        // A tenant's own model comes first and hides the platform's of the same name.
        var byName = new LinkedHashMap<String, Model>();
        models.list(caller.tenant(), caller.actor())
                .forEach(model -> byName.putIfAbsent(model.name(), model));
        List<ModelView> views = byName.values().stream().map(model -> view(model, caller)).toList();
        return new ModelView.Listing("list", views);
    }

    @GET
    @Path("/{model:.+}")
    public ModelView get(@PathParam("model") String name) {
        Caller caller = callers.with(Scope.MODELS);
        return view(find(caller, name), caller);
    }

    @DELETE
    @Path("/{model:.+}")
    public ModelView.Deleted delete(@PathParam("model") String name) {
        Caller caller = callers.with(Scope.MODELS);
        if (find(caller, name).platform()) {
            throw ApiException.of(
                    ProblemCode.PERMISSION_DENIED,
                    "%s belongs to the platform and cannot be deleted".formatted(name));
        }
        if (!models.delete(caller.tenant(), caller.actor(), name)) {
            throw ApiException.notFound(ProblemCode.MODEL_NOT_FOUND, "model", name);
        }
        return new ModelView.Deleted(name, "model", true);
    }

    private Model find(Caller caller, String name) {
        return models.find(caller.tenant(), caller.actor(), name)
                .orElseThrow(
                        () -> ApiException.notFound(ProblemCode.MODEL_NOT_FOUND, "model", name));
    }

    private static ModelView view(Model model, Caller caller) {
        return ModelView.of(model, caller.organization().wire());
    }
}
