package dev.tunesmith.engine.loop;

import dev.tunesmith.contracts.job.Precision;
import dev.tunesmith.contracts.job.ResolvedSpec;
import dev.tunesmith.contracts.method.ModelRole;
import dev.tunesmith.engine.adapter.Adapter;
import dev.tunesmith.engine.loop.TrainingRun.Sources;
import dev.tunesmith.engine.model.Decoder;
import dev.tunesmith.engine.model.ScoreHead;
import dev.tunesmith.engine.model.UnsupportedModelException;
import dev.tunesmith.engine.objective.rollout.AskedModel;
import dev.tunesmith.engine.objective.rollout.Judges;
import dev.tunesmith.engine.objective.rollout.RewardModel;
import dev.tunesmith.engine.tensor.DType;
import dev.tunesmith.engine.tensor.Region;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// The other models of a run: a teacher, a reference of its own, a reward model, one that is asked.
/// They are read and do not change.
final class Companions implements AutoCloseable {

    private final Region region = Region.lasting("heads of other models");
    private final List<Decoder> models = new ArrayList<>();
    private final List<Adapter> adapters = new ArrayList<>();
    private @Nullable Decoder teacher;
    private @Nullable Decoder reference;
    private @Nullable RewardModel scorer;
    private @Nullable AskedModel asked;

    /// Opens what the method of a job asks for.
    ///
    /// @throws UnsupportedModelException if a model does not fit the one that trains
    static Companions open(ResolvedSpec spec, Sources sources, Decoder student) {
        var companions = new Companions();
        DType compute = spec.precision() == Precision.BF16 ? DType.BF16 : DType.F32;
        spec.settings()
                .companions()
                .forEach((role, name) -> {
                    Sources.Companion source = sources.companions().get(role);
                    if (source == null) {
                        throw new UnsupportedModelException(
                                name, List.of("%s was not fetched".formatted(role.wire())));
                    }
                    Decoder model = companions.load(source, compute);
                    if (role != ModelRole.SCORE_MODEL) {
                        requireSameWords(name, model, student);
                    }
                    switch (role) {
                        case TEACHER -> companions.teacher = model;
                        case REFERENCE -> companions.reference = model;
                        case REWARD_MODEL ->
                                companions.scorer =
                                        new RewardModel(model, companions.head(name, source));
                        case SCORE_MODEL ->
                                companions.asked =
                                        AskedModel.open(model, source.base(), source.adapter());
                    }
                });
        return companions;
    }

    private Decoder load(Sources.Companion source, DType compute) {
        Decoder model = Decoder.load(source.base(), compute, Decoder.Loading.MAPPED);
        source.adapter().ifPresent(folder -> adapters.add(Adapter.load(model, folder)));
        models.add(model);
        return model;
    }

    /// Token ids are passed from one to the other, so they must mean the same.
    private static void requireSameWords(String name, Decoder model, Decoder student) {
        int words = model.architecture().size().vocabulary();
        int own = student.architecture().size().vocabulary();
        if (words != own) {
            throw new UnsupportedModelException(
                    name,
                    List.of(
                            "it has %d words and the model in training %d: both need one tokenizer"
                                    .formatted(words, own)));
        }
    }

    private ScoreHead head(String name, Sources.Companion source) {
        Path beside = source.adapter().orElse(source.base().path()).resolve(ScoreHead.FILE);
        if (!Files.isRegularFile(beside)) {
            throw new UnsupportedModelException(
                    name,
                    List.of(
                            "it has no %s: train it with method reward_model"
                                    .formatted(ScoreHead.FILE)));
        }
        return ScoreHead.load(beside, region);
    }

    Decoder teacher() {
        if (teacher == null) {
            throw new IllegalStateException("the job has no " + ModelRole.TEACHER.wire());
        }
        return teacher;
    }

    /// What the policy is compared with, if that is a model of its own.
    Optional<Decoder> reference() {
        return Optional.ofNullable(reference);
    }

    Judges judges() {
        return new Judges(Optional.ofNullable(scorer), Optional.ofNullable(asked));
    }

    @Override
    public void close() {
        if (asked != null) {
            asked.close();
        }
        adapters.forEach(Adapter::close);
        models.forEach(Decoder::close);
        region.close();
    }
}
