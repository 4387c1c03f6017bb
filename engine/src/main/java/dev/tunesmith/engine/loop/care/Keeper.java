package dev.tunesmith.engine.loop.care;

import dev.tunesmith.contracts.care.Care;
import dev.tunesmith.engine.nn.Parameter;
import dev.tunesmith.engine.ops.Elementwise;
import dev.tunesmith.engine.ops.WeightStep;
import dev.tunesmith.engine.optim.Aside;
import dev.tunesmith.engine.tensor.DType;
import dev.tunesmith.engine.tensor.Region;
import dev.tunesmith.engine.tensor.StepArena;
import dev.tunesmith.engine.tensor.Tensor;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// Other states of the weights that train: their moving average, and the best of them.
public final class Keeper implements AutoCloseable {

    private final Care care;
    private final Map<Parameter, Tensor> averages = new LinkedHashMap<>();
    private final Map<Parameter, Tensor> best = new LinkedHashMap<>();
    private final Region region = Region.lasting("kept weights");
    private final StepArena arena = StepArena.unlimited();
    private @Nullable Aside aside;

    /// What the weights are wanted for.
    public enum Place {
        /// Gradients are taken.
        TRAINING,
        /// They are measured.
        EVALUATION,
        /// They are what the run has come to.
        EXPORT,
        /// They are what the run is for.
        RESULT
    }

    /// The average begins with the weights as they are.
    public Keeper(Care care, List<Parameter> trained) {
        this.care = care;
        for (Parameter parameter : trained) {
            if (care.average().on()) {
                Tensor average = region.tensor(DType.F32, parameter.value().shape());
                Elementwise.convert(average, parameter.exact());
                averages.put(parameter, average);
            }
            if (care.choice().best()) {
                best.put(parameter, region.copy(written(parameter)));
            }
        }
    }

    /// Moves the average after a step.
    ///
    /// @param step finished ones, this one included
    public void stepped(int step) {
        double share = step <= care.average().start() ? 1 : 1 - care.average().decay();
        averages.forEach((parameter, average) -> approach(average, parameter.exact(), share));
    }

    private void approach(Tensor average, Tensor exact, double share) {
        if (exact.type() == DType.F32) {
            move(average, exact, share);
            return;
        }
        try (Region scratch = arena.open("averaged weight")) {
            Tensor wide = scratch.tensor(DType.F32, exact.shape());
            Elementwise.convert(wide, exact);
            move(average, wide, share);
        }
    }

    private static void move(Tensor average, Tensor point, double share) {
        if (share == 1) {
            average.copyFrom(point);
        } else {
            new WeightStep(average, average, point, point).approach(point, share);
        }
    }

    /// Puts the weights where they are wanted; [Place#TRAINING] puts them back.
    ///
    /// @param found whether there is a best state yet
    public void put(Place place, boolean found) {
        if (aside != null) {
            aside.close();
            aside = null;
        }
        Map<Parameter, Tensor> wanted =
                switch (place) {
                    case TRAINING -> Map.of();
                    case EVALUATION -> care.average().evaluated() ? averages : Map.of();
                    case EXPORT -> care.average().exported() ? averages : Map.of();
                    case RESULT ->
                            found && care.choice().best()
                                    ? best
                                    : care.average().exported() ? averages : Map.of();
                };
        if (!wanted.isEmpty()) {
            var other = new Aside();
            wanted.forEach(other::put);
            aside = other;
        }
    }

    /// Takes the weights that stand at [Place#EXPORT] for the best ones.
    public void keepBest() {
        best.forEach((parameter, copy) -> copy.copyFrom(written(parameter)));
    }

    /// What files hold of a parameter.
    private static Tensor written(Parameter parameter) {
        return parameter.isWrittenExactly() ? parameter.shown() : parameter.value();
    }

    /// Whether the best weights are kept.
    public boolean keepsBest() {
        return !best.isEmpty();
    }

    /// Everything that is kept, by name.
    public Map<String, Tensor> state() {
        Map<String, Tensor> state = new LinkedHashMap<>();
        averages.forEach((parameter, tensor) -> state.put(parameter.name() + ".ema", tensor));
        best.forEach((parameter, tensor) -> state.put(parameter.name() + ".best", tensor));
        return state;
    }

    @Override
    public void close() {
        put(Place.TRAINING, false);
        arena.close();
        region.close();
    }
}
