package dev.tunesmith.contracts.method;

import com.fasterxml.jackson.annotation.JsonTypeName;
import dev.tunesmith.contracts.method.MethodSettings.Ppo;
import java.util.LinkedHashMap;
import java.util.Map;

/// Distillation: the whole distributions of a teacher are learned, on given answers or on the
/// student's own (GKD, arXiv 2306.13649).
///
/// The loss is `(1 − alpha) · cross-entropy + alpha · temperature² · divergence`.
///
/// @param teacher name of the model that is learned from; it must have the student's vocabulary
/// @param beta 0 for KL(teacher ‖ student), 1 for KL(student ‖ teacher), between them the
///   Jensen-Shannon divergence from the mixture
/// @param softening temperature of both distributions
/// @param ownShare share of the steps whose answers the student draws itself
/// @param rollout how it draws them
@JsonTypeName("distill")
public record DistillSettings(
        String teacher,
        double alpha,
        double beta,
        double softening,
        double ownShare,
        Ppo.Rollout rollout)
        implements MethodSettings {

    /// Half of each loss, forward, on given answers.
    public static final DistillSettings USUAL =
            new DistillSettings("", 0.5, 0, 1, 0, new Ppo.Rollout(128, 1, 1, 0));

    @Override
    public Method method() {
        return Method.DISTILL;
    }

    @Override
    public Map<ModelRole, String> companions() {
        return teacher.isEmpty() ? Map.of() : Map.of(ModelRole.TEACHER, teacher);
    }

    @Override
    public int answerTokens() {
        return ownShare > 0 ? rollout.tokensMax() : 0;
    }

    @Override
    public Map<String, Object> hyperparameters() {
        return Map.of();
    }

    @Override
    public void addTo(Map<String, Object> flat) {
        var keys = new LinkedHashMap<String, Object>();
        keys.put("teacher", teacher);
        keys.put("distill_alpha", alpha);
        keys.put("distill_beta", beta);
        keys.put("distill_temperature", softening);
        keys.put("on_policy_share", ownShare);
        if (ownShare > 0) {
            keys.put("max_completion_length", rollout.tokensMax());
            keys.put("temperature", rollout.temperature());
            keys.put("top_p", rollout.topP());
            keys.put("top_k", rollout.topK());
        }
        flat.putAll(keys);
    }
}
