package dev.tunesmith.api.model;

import com.fasterxml.jackson.annotation.JsonInclude;
import dev.tunesmith.contracts.id.JobId;
import dev.tunesmith.contracts.id.ModelId;
import java.util.List;
import java.util.Map;
import org.eclipse.microprofile.openapi.annotations.media.Schema;
import org.jspecify.annotations.Nullable;

/// A model object on OpenAI's wire; `id` is the name.
///
/// @param xBase name of the model that an adapter sits on, or that was trained
@JsonInclude(JsonInclude.Include.ALWAYS)
@Schema(name = "Model")
record ModelView(
        String id,
        String object,
        long created,
        String ownedBy,
        String xKind,
        @Nullable String xBase,
        @Nullable Object xContextLength,
        Map<String, Object> xSamplingDefaults,
        Lineage xLineage) {
    static final String PLATFORM = "tunesmith";

    /// Where a model comes from.
    @JsonInclude(JsonInclude.Include.ALWAYS)
    @Schema(name = "ModelLineage")
    record Lineage(
            ModelId version, String manifestSha256, @Nullable JobId job, @Nullable Long step) {
        static Lineage of(Model model) {
            return new Lineage(
                    model.id(),
                    model.weights().manifest().sha256(),
                    model.lineage().job(),
                    model.lineage().step());
        }
    }

    /// The list has one page.
    @Schema(name = "ModelList")
    record Listing(String object, List<ModelView> data) {
        Listing {
            data = List.copyOf(data);
        }
    }

    /// The answer to a delete.
    @Schema(name = "ModelDeleted")
    record Deleted(String id, String object, boolean deleted) {}

    /// What only our own API tells: the shape and the size.
    @JsonInclude(JsonInclude.Include.ALWAYS)
    @Schema(name = "ModelDetail")
    record Detail(
            String name,
            String kind,
            @Nullable String base,
            long bytes,
            Map<String, Object> facts,
            Map<String, Object> samplingDefaults,
            Lineage lineage,
            long created) {
        static Detail of(Model model) {
            return new Detail(
                    model.name(),
                    model.kind().wire(),
                    model.lineage().baseName(),
                    model.weights().bytes(),
                    model.facts(),
                    model.samplingDefaults(),
                    Lineage.of(model),
                    model.createdAt().getEpochSecond());
        }
    }

    /// @param owner the caller's organization, who owns what the platform does not
    static ModelView of(Model model, String owner) {
        return new ModelView(
                model.name(),
                "model",
                model.createdAt().getEpochSecond(),
                model.platform() ? PLATFORM : owner,
                model.kind().wire(),
                model.lineage().baseName(),
                model.facts().get("context_length"),
                model.samplingDefaults(),
                Lineage.of(model));
    }
}
