package dev.tunesmith.api.chat;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.tunesmith.api.model.Model;
import dev.tunesmith.api.model.Models;
import dev.tunesmith.api.web.ApiException;
import dev.tunesmith.contracts.event.ManifestRef;
import dev.tunesmith.contracts.id.ModelId;
import dev.tunesmith.contracts.id.TenantId;
import dev.tunesmith.contracts.problem.NearestName;
import dev.tunesmith.contracts.problem.ProblemCode;
import dev.tunesmith.contracts.serving.ServingGrant;
import jakarta.inject.Singleton;
import java.time.Clock;
import java.util.List;

/// Decides whether a caller may use a model, and says so to inference-service in a signed grant.
@Singleton
final class Grants {
    private static final int NAMES_SHOWN = 3;

    private final Models models;
    private final GrantSettings settings;
    private final Clock clock;

    Grants(Models models, GrantSettings settings, Clock clock) {
        this.models = models;
        this.settings = settings;
        this.clock = clock;
    }

    /// Who asks, and in which request.
    private record Asker(TenantId tenant, String actor, String requestId) {}

    /// The signed grant for one request.
    ///
    /// @param actor on whose behalf it is made
    String sign(TenantId tenant, String actor, String name, String requestId) {
        Asker asker = new Asker(tenant, actor, requestId);
        Model model = models.find(tenant, actor, name).orElseThrow(() -> unknown(asker, name));
        ManifestRef own = model.weights().manifest();
        ServingGrant grant =
                switch (model.kind()) {
                    case BASE -> grant(asker, model, ServingGrant.Kind.BASE, own);
                    case MERGED -> grant(asker, model, ServingGrant.Kind.MERGED, own);
                    case ADAPTER ->
                            grant(asker, model, ServingGrant.Kind.ADAPTER, base(asker, model));
                };
        return grant.sign(settings.key().getBytes(UTF_8));
    }

    private ServingGrant grant(Asker asker, Model model, ServingGrant.Kind kind, ManifestRef base) {
        return new ServingGrant(
                asker.tenant(),
                model.name(),
                asker.requestId(),
                clock.instant().plus(settings.validFor()),
                kind,
                weights(base),
                kind == ServingGrant.Kind.ADAPTER ? weights(model.weights().manifest()) : null);
    }

    private ManifestRef base(Asker asker, Model adapter) {
        ModelId base = adapter.lineage().base();
        if (base == null) {
            throw new IllegalStateException("the adapter " + adapter.name() + " has no base");
        }
        return models.find(asker.tenant(), asker.actor(), base)
                .map(found -> found.weights().manifest())
                .orElseThrow(() ->
                        ApiException.of(
                                ProblemCode.MODEL_NOT_FOUND,
                                "model",
                                "The base model of %s is gone".formatted(adapter.name())));
    }

    private ApiException unknown(Asker asker, String name) {
        List<String> names =
                models.list(asker.tenant(), asker.actor()).stream().map(Model::name).toList();
        List<String> near = NearestName.several(name, names, NAMES_SHOWN);
        String hint = near.isEmpty() ? "" : "; did you mean " + String.join(" or ", near) + "?";
        return ApiException.of(
                ProblemCode.MODEL_NOT_FOUND,
                "model",
                "The model '%s' does not exist or you do not have access to it%s"
                        .formatted(name, hint));
    }

    private static ServingGrant.Weights weights(ManifestRef manifest) {
        return new ServingGrant.Weights(manifest.key(), manifest.sha256());
    }
}
